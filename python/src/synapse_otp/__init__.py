"""The Python half of Synapse: one process that serves one pydantic-ai agent to the TypeScript runtime that supervises it.

Nothing heavy is imported here: a worker says hello to its host before it imports pydantic-ai.

The two assignments below are the mark by which a host tells this package from any other of the name: its search for an interpreter reads
them from the text of this file, without running it. Each is one line with a literal.
"""

__all__ = ["__synapse_contract__", "__version__"]

__version__ = "0.1.0"
"""The version of the npm package that this belongs to; they are released together. A host takes any of its own major and minor version."""

__synapse_contract__ = 1
"""Version of the gRPC contract, `synapse_otp.v1`. No other package has this name in it."""
