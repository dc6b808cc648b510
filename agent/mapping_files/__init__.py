"""mappings/*.toml and the domain: reading with file and line for every problem, writing that keeps comments.

What writes stands in `writing` and `suggestions`, which a daemon that only reads does not load.
"""

from agent.mapping_files.checking import Checked, Summary, check
from agent.mapping_files.files import MappingFiles
from agent.mapping_files.last_good import LastGood
from agent.mapping_files.problems import MappingsInvalid

__all__ = ["Checked", "LastGood", "MappingFiles", "MappingsInvalid", "Summary", "check"]
