"""Models of projects: people, projects, label schemas, input contracts, roles, keys and the audit trail."""

from projects.models.audit_trail import AuditEvent, AuditEventQuerySet
from projects.models.changes import LONGEST_WHY, ChangeRecord
from projects.models.keys import ApiKey, Scope, SignInLink, StoredAnswer
from projects.models.people import ABILITIES, Can, Role, User
from projects.models.project import (
    SETTINGS,
    ContractViolations,
    InputContract,
    LabelSchema,
    Membership,
    Project,
    ProjectQuerySet,
    SettingsVersion,
)

__all__ = [
    "ABILITIES",
    "ApiKey",
    "AuditEvent",
    "AuditEventQuerySet",
    "Can",
    "ContractViolations",
    "ChangeRecord",
    "InputContract",
    "LONGEST_WHY",
    "LabelSchema",
    "Membership",
    "Project",
    "ProjectQuerySet",
    "Role",
    "SETTINGS",
    "Scope",
    "SettingsVersion",
    "SignInLink",
    "StoredAnswer",
    "User",
]
