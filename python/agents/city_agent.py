"""An agent with structured output: a City that grows while it is streamed."""

from pydantic import BaseModel, Field
from pydantic_ai import Agent

from synapse_otp.scripted import Fill, Turn, scripted_model


class City(BaseModel):
    """What is known of a city. Every field but the name has a default, so that a City is valid from its first field on."""

    name: str
    country: str = ""
    population: int = Field(default=0, ge=0)
    sights: list[str] = Field(default_factory=list)


CITIES = (
    City(name="Paris", country="France", population=2_103_000, sights=["Louvre", "Eiffel Tower", "Notre-Dame"]),
    City(name="Lima", country="Peru", population=10_092_000, sights=["Plaza Mayor", "Huaca Pucllana", "Miraflores"]),
    City(name="Kyoto", country="Japan", population=1_464_000, sights=["Fushimi Inari", "Kinkaku-ji", "Gion"]),
)


def script(turn: Turn) -> Fill:
    """Answers with the city that the prompt names, else with the first one."""
    asked = next((city for city in CITIES if city.name.lower() in turn.prompt.lower()), CITIES[0])
    return Fill(asked.model_dump())


agent = Agent(scripted_model(script), name="city", output_type=City, instructions="Describe the city that the user names.")
