"""Who may look and who may change something: tokens and their scopes, sessions in the pages, and forms."""

from closedloop_server.access.forms import SAFE_METHODS, form_is_ours, form_token, refuse_forgeries
from closedloop_server.access.links import make_link, use_link
from closedloop_server.access.request import (
    client_address,
    count_failure,
    identify_bearer,
    identify_session,
    refuse_too_many,
    services,
)
from closedloop_server.access.scopes import (
    admin_required,
    demand,
    may,
    operator_required,
    require,
    required_by,
    viewer,
)
from closedloop_server.access.sessions import sign_in, sign_out, sign_out_everywhere
from closedloop_server.access.tokens import (
    Role,
    Scope,
    Token,
    bearer,
    check_token,
    create_token,
    digest,
    list_tokens,
    newest_named,
    revoke_tokens,
)

__all__ = [
    "SAFE_METHODS",
    "Role",
    "Scope",
    "Token",
    "admin_required",
    "bearer",
    "check_token",
    "client_address",
    "count_failure",
    "create_token",
    "demand",
    "digest",
    "form_is_ours",
    "form_token",
    "identify_bearer",
    "identify_session",
    "list_tokens",
    "make_link",
    "may",
    "newest_named",
    "operator_required",
    "refuse_forgeries",
    "refuse_too_many",
    "require",
    "required_by",
    "revoke_tokens",
    "services",
    "sign_in",
    "sign_out",
    "sign_out_everywhere",
    "use_link",
    "viewer",
]
