"""An agent with tools in Python: it looks two things up, then answers with both."""

from pydantic_ai import Agent

from synapse_otp.scripted import CallTools, Reply, Say, Turn, scripted_model

TEMPERATURES_C = {"Paris": 18, "Lima": 21, "Kyoto": 24}


def script(turn: Turn) -> Reply:
    """Calls both tools for the city in the prompt, then says what they returned."""
    city = next((name for name in TEMPERATURES_C if name.lower() in turn.prompt.lower()), "Paris")
    if "temperature_in" not in turn.tool_returns:
        return CallTools((("temperature_in", {"city": city}), ("clothes_for", {"celsius": TEMPERATURES_C[city]})))
    return Say(f"It is {turn.tool_returns['temperature_in']} degrees in {city}; wear {turn.tool_returns['clothes_for']}.")


agent = Agent(scripted_model(script), name="tools", instructions="Say how warm it is and what to wear.")


@agent.tool_plain
def temperature_in(city: str) -> int:
    """The temperature of a city in degrees Celsius."""
    return TEMPERATURES_C[city]


@agent.tool_plain
async def clothes_for(celsius: int) -> str:
    """What to wear at a temperature."""
    return "a coat" if celsius < 12 else "a jacket" if celsius < 20 else "a shirt"
