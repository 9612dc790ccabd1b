"""The Python half of Synapse: one process that serves one pydantic-ai agent to the TypeScript runtime that supervises it.

Nothing heavy is imported here: a worker says hello to its host before it imports pydantic-ai.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
