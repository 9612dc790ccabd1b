"""A text agent that answers from a script, word by word; set SYNAPSE_PYTHON_AGENT_MODEL to ask a real model."""

from pydantic_ai import Agent

from synapse_otp.scripted import Say, Turn, scripted_model


def script(turn: Turn) -> Say:
    """Repeats the prompt, so that a caller sees its own words come back."""
    return Say(f"Hello from Python! You said: {turn.prompt}")


agent = Agent(
    scripted_model(script),
    name="example",
    instructions="Answer in one short paragraph.",
)
