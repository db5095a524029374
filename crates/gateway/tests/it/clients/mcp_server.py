"""A server that is a program: a message a line, as revisions before 2026-07-28 have it."""

import json
import os
import sys

for line in sys.stdin:
    request = json.loads(line)
    method, params = request["method"], request.get("params", {})
    if "id" not in request:
        continue
    answer = {"jsonrpc": "2.0", "id": request["id"]}
    if method == "initialize":
        answer["result"] = {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "program", "version": "1"},
        }
    elif method == "tools/list":
        schema = {"type": "object", "properties": {"text": {"type": "string"}}}
        names = ["echo", "environment", "die"]
        answer["result"] = {"tools": [{"name": name, "description": f"Is called {name}.", "inputSchema": schema} for name in names]}
    elif method == "tools/call":
        if params["name"] == "die":
            print("goodbye", file=sys.stderr)
            sys.exit(3)
        text = params["arguments"].get("text", "")
        if params["name"] == "environment":
            text = ",".join(sorted(os.environ)) + ";" + os.environ.get("OWN", "")
        progress = {"progressToken": 1, "progress": 1, "message": "half of it"}
        print(json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": progress}), flush=True)
        answer["result"] = {"content": [{"type": "text", "text": text}]}
    else:
        answer["error"] = {"code": -32601, "message": "Method not found"}
    print(json.dumps(answer), flush=True)
