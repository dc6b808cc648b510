"""The offline audit: exported files of the PSA, the distributor and Microsoft, reconciled without any network."""

from agent.audit.auditing import Audit, audited
from agent.audit.files import Given
from agent.audit.matching import Unmatched
from agent.audit.profile import Profile, load_profile, save_profile
from agent.audit.sample import SAMPLE_DAY, sample

__all__ = [
    "SAMPLE_DAY",
    "Audit",
    "Given",
    "Profile",
    "Unmatched",
    "audited",
    "load_profile",
    "sample",
    "save_profile",
]
