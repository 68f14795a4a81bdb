# Completes pyhall-tui in bash 4.4 and newer.
_pyhall_tui_completion() {
    local IFS=$'\n' response line type value
    response=$(COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _PYHALL_TUI_COMPLETE=bash_complete "$1" 2>/dev/null)
    COMPREPLY=()
    while read -r line; do
        type=${line%%,*} value=${line#*,}
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain) COMPREPLY+=("$value") ;;
        esac
    done <<<"$response"
}
complete -o nosort -F _pyhall_tui_completion pyhall-tui
