"""What the LINE bot would answer to a photo, without LINE: `python -m tests.rehearse_line photo.jpg`."""

import argparse
import asyncio
import json
from pathlib import Path

from tests.fake_line import FakeLine, Sent
from tests.line_bot import running


async def rehearse(photo: bytes, target: str) -> Sent:
    """The answer to a webhook that says so, by a bot that calls the gateway at ``target``."""
    async with FakeLine() as line, running(line, target) as bot:
        await bot.receive(line.photo(photo))
        return await line.answer()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--target", default="127.0.0.1:50050", help="the gateway")
    given = parser.parse_args()
    answer = asyncio.run(rehearse(given.photo.read_bytes(), given.target))
    print(json.dumps(answer.messages, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
