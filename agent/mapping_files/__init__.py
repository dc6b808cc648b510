"""mappings/*.toml and the domain: reading with file and line for every problem, writing that keeps comments."""

from agent.mapping_files.checking import Checked, Summary, check
from agent.mapping_files.files import MappingFiles
from agent.mapping_files.last_good import LastGood
from agent.mapping_files.problems import MappingsInvalid
from agent.mapping_files.suggestions import Written, write_suggestions
from agent.mapping_files.writing import Draft, EditRefused

__all__ = [
    "Checked",
    "Draft",
    "EditRefused",
    "LastGood",
    "MappingFiles",
    "MappingsInvalid",
    "Summary",
    "Written",
    "check",
    "write_suggestions",
]
