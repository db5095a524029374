"""Uses the official client of the protocol against an address, and prints what it got as JSON."""

import asyncio
import json
import sys

from mcp.client import Client


async def main(url: str, mode: str) -> None:
    async with Client(url, mode=mode) as client:
        tools = await client.list_tools()
        called = await client.call_tool("echo", {"text": "good morning"})
        refused = None
        try:
            result = await client.call_tool("attack", {"text": "x"})
            refused = f"passed: {result}"
        except Exception as error:  # What the client makes of the gate's refusal is what is asked.
            refused = str(error)
        print(
            json.dumps(
                {
                    "version": str(client.protocol_version),
                    "tools": [tool.name for tool in tools.tools],
                    "said": called.content[0].text,
                    "refused": refused,
                }
            )
        )


asyncio.run(main(sys.argv[1], sys.argv[2]))
