"""The letter that tells a company what was corrected on its bill: as page, PDF, Word document and plain text.

Its words are templates that an MSP copies and edits. Nothing here, or behind it, sends a letter.
"""

from agent.reports.letters.view import Amount, Going, Holders, Letter, Person, Price, Quantity

__all__ = ["Amount", "Going", "Holders", "Letter", "Person", "Price", "Quantity"]
