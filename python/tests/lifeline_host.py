"""A host that can be killed: starts a worker, has it start a grandchild, and tells their process ids on stdout."""

from __future__ import annotations

import asyncio
import sys

from host import FIXTURES, Worker


async def main(last_prompt: str) -> None:
    worker = Worker(f"{FIXTURES}/controllable.py:agent")
    await worker.ready()
    async with worker.client() as client:
        grandchild = (await client.run("grandchild")).result
        busy = asyncio.create_task(client.run(last_prompt, timeout=300))
        await worker.log(event="run.started", run_id="run-1")
        while worker.control.fileno() >= 0 and len([line for line in worker.logs if line.get("event") == "run.started"]) < 2:
            await asyncio.sleep(0.01)
        print(worker.pid, grandchild, worker.folder, flush=True)
        await busy


asyncio.run(main(sys.argv[1]))
