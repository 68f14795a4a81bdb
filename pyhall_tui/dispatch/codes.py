"""What a deny code means and what to check next. The set is open: an unknown code is shown unchanged."""

from typing import Final, NamedTuple


class CodeMeaning(NamedTuple):
    """Two sentences for the operator."""

    means: str
    look_at: str

    def __str__(self) -> str:
        return f"{self.means} {self.look_at}"


_POLICY = "Look at the namespace's rules for this capability, worker and risk tier."
_WORKER = "Verify the worker, and attest its package again if it is meant to run."
_REGISTRY = "Contact whoever runs the registry: the request is not at fault."
_HUMAN = CodeMeaning(
    "A person has to approve this before it runs.", "Ask whoever approves for this namespace, or try a lower risk."
)
_REQUEST = "Correct the request: compare it with the Request tab."

CODES: Final[dict[str, CodeMeaning]] = {
    # the documented API's own
    "POLICY_BLOCKED": CodeMeaning("The namespace's policy forbids it.", _POLICY),
    # the request
    "DENY_INVALID_INPUT": CodeMeaning("A field of the request is missing or not usable.", _REQUEST),
    "DENY_MISSING_TENANT_ID": CodeMeaning("The context names no tenant.", "Add tenant_id to the context."),
    "DENY_UNKNOWN_TENANT": CodeMeaning(
        "The registry does not know the tenant in the context.", "Check tenant_id in the context."
    ),
    "DENY_MISSING_CORRELATION_ID": CodeMeaning("The request carried no correlation id.", "Press “new” and send again."),
    # the rules
    "DENY_NO_MATCHING_RULE": CodeMeaning(
        "No rule matches this request, and what no rule allows is denied.",
        "Add a rule, or check the spelling of the capability.",
    ),
    "DENY_SHADOW_RULES_DETECTED": CodeMeaning(
        "A rule is hidden by an earlier one, and in prod and edge that denies everything.",
        "Reorder the rules, the most specific first.",
    ),
    "DENY_MISSING_REQUIRED_CONTROLS": CodeMeaning(
        "The rule asks for controls that the worker does not implement.",
        "Compare required_controls with currently_implements in the worker's record.",
    ),
    # the gate
    "DENY_REQUIRES_HUMAN": _HUMAN._replace(means="The blast score is too high for a worker to act without a person."),
    "DENY_REQUIRES_HUMAN_APPROVAL": _HUMAN._replace(means="The policy requires a person's approval first."),
    "DENY_POLICY_GATE": CodeMeaning("The policy gate said no.", "Look at the gate's own log for its reason."),
    "DENY_POLICY_GATE_UNCONFIGURED": CodeMeaning(
        "A rule requires the policy gate, but none is set up.", "Set up the gate, or change the rule."
    ),
    "DENY_POLICY_GATE_INVALID_RESPONSE": CodeMeaning(
        "The policy gate's answer is not a decision.",
        "Look at the gate: until it answers with one, everything is denied.",
    ),
    # the worker
    "DENY_NO_AVAILABLE_WORKER": CodeMeaning(
        "This namespace has no such worker.", "Check the worker id and the namespace; verify the worker."
    ),
    "NO_WORKER_FOR_CAPABILITY": CodeMeaning(
        "The worker is not enrolled for this capability.", "Check the spelling, or enroll it with the capability."
    ),
    "DENY_WORKER_ATTESTATION_MISSING": CodeMeaning("No package hash is attested for the worker.", _WORKER),
    "DENY_WORKER_ATTESTATION_INVALID_HASH": CodeMeaning(
        "The hash attested for the worker is not a SHA-256.", "Attest the worker's package again."
    ),
    "DENY_WORKER_HASH_UNAVAILABLE": CodeMeaning(
        "The hash of the running package could not be computed.", "Look at the machine where the worker runs."
    ),
    "DENY_WORKER_TAMPERED": CodeMeaning(
        "The running package is not the attested one.", "Treat it as an incident until you know who changed it."
    ),
    "DENY_WORKER_BANNED": CodeMeaning("The worker is banned.", "Open the worker for the ban's reason."),
    "DENY_WORKER_RETIRED": CodeMeaning("The worker is retired permanently.", "Use the worker that took its place."),
    "DENY_WORKER_REVOKED": CodeMeaning("The worker's enrollment is revoked.", "Ask the namespace's owner why."),
    "DENY_ATTESTATION_UNCONFIGURED": CodeMeaning(
        "Attestation is required, but not set up in the hall.", "Set it up, or change the rule."
    ),
    "DENY_PRIVILEGE_ENVELOPE_VIOLATED": CodeMeaning(
        "The request goes beyond what the worker may touch.", "Compare it with the record's privilege_envelope."
    ),
    "DENY_PRIVILEGE_ENVELOPE_UNCONFIGURED": CodeMeaning(
        "The rule requires a privilege envelope, but the worker has none.", "Add privilege_envelope to the record."
    ),
    "DENY_BLAST_SCORE_EXCEEDED": CodeMeaning(
        "The blast score is above what the rule allows.", "Look at blast_radius in the worker's record."
    ),
    "DENY_INTERNAL_ERROR": CodeMeaning("The registry failed while deciding.", _REGISTRY),
    # the package
    "ATTEST_MANIFEST_MISSING": CodeMeaning(
        "The package has no manifest, or one that can't be read.", "Sign the package again."
    ),
    "ATTEST_MANIFEST_ID_MISMATCH": CodeMeaning(
        "The manifest belongs to another worker.", "Sign the package as this worker."
    ),
    "ATTEST_HASH_MISMATCH": CodeMeaning(
        "The package is not the one that its manifest was made for.", "Compare the folder's hash with the attested one."
    ),
    "ATTEST_SIGNATURE_MISSING": CodeMeaning(
        "The manifest is not signed, or the secret to check it is not set.", "Set WCP_ATTEST_HMAC_KEY, or sign it."
    ),
    "ATTEST_SIG_INVALID": CodeMeaning(
        "The manifest's signature is wrong: another secret, or a changed manifest.", "Sign the package again."
    ),
    "ATTEST_BANNED_HASH": CodeMeaning("The worker's package hash is on the ban list.", "Open the worker for the ban."),
    "ATTEST_NAMESPACE_INVALID": CodeMeaning("The manifest's namespace is not usable.", "Check the worker's id."),
}
"""By code, as in the contract (part 2, “Names and codes”) and in the hall."""

_SAME: Final = {
    "DENY_PRIVILEGE_ENVELOPE_DENIED": "DENY_PRIVILEGE_ENVELOPE_VIOLATED",
    "NO_AVAILABLE_WORKER": "DENY_NO_AVAILABLE_WORKER",
    "POLICY_GATE_DENIED": "DENY_POLICY_GATE",
}
"""Go's spelling of some of them."""


def explain(code: str | None) -> CodeMeaning | None:
    """Return what a code means; None for an unknown one, which is shown unchanged."""
    if not code:
        return None
    known = CODES.get(_SAME.get(code, code))
    if known is None and code.startswith(("MISSING_", "INVALID_")):
        word, _, field = code.partition("_")
        return CodeMeaning(f"The request's {field.lower()} is {word.lower()}.", _REQUEST)
    if known is None and code.startswith("DENY_REQUIRES_HUMAN"):
        return _HUMAN
    return known
