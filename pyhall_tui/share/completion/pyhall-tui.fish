# Completes pyhall-tui in fish.
function _pyhall_tui_completion
    set -l program (commandline -opc)[1]
    for line in (env _PYHALL_TUI_COMPLETE=fish_complete COMP_WORDS=(commandline -cp | string collect) COMP_CWORD=(commandline -t | string collect) $program 2>/dev/null)
        set -l parts (string split -m 1 "," -- $line)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end

complete --no-files --command pyhall-tui --arguments "(_pyhall_tui_completion)"
