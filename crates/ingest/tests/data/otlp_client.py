"""Runs a small program under real instrumentations and keeps the OTLP requests that they send.

Usage: otlp_client.py FOLDER INSTRUMENTATION

INSTRUMENTATION is plain, openai-v2, openai-v2-latest, traceloop or openinference. A server on this machine plays both
the collector and the model; nothing else is reached, and the key is none.
"""

import gzip
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER, KIND = sys.argv[1:3]
# Texts stand apart from the calls, so that no stack trace quotes them.
SYSTEM = "Be brief."
QUESTION = "Capital of " + "France?"
ANSWER = "Paris" + " it is."


class Server(BaseHTTPRequestHandler):
    count = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if "chat/completions" in self.path:
            self.answer("application/json", json.dumps(completion()).encode())
            return
        Server.count += 1
        name = f"{Server.count:02d}-{self.path.strip('/').replace('/', '_')}.pb"
        with open(os.path.join(FOLDER, name), "wb") as file:
            file.write(body)
        self.answer("application/x-protobuf", b"")

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def completion():
    message = {"role": "assistant", "content": ANSWER}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17},
    }


os.makedirs(FOLDER, exist_ok=True)
server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = base
os.environ["TRACELOOP_TRACE_CONTENT"] = "true"
os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "true"
if KIND == "openai-v2-latest":
    os.environ["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"] = "SPAN_AND_EVENT"
    os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "gen_ai_latest_experimental"

from opentelemetry import metrics, trace  # noqa: E402
from opentelemetry._logs import get_logger, set_logger_provider  # noqa: E402
from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: E402
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: E402
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: E402
from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: E402

resource = Resource.create({"service.name": "travel", "service.namespace": "contoso", "service.version": "1.2"})
traces = TracerProvider(resource=resource)
traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(traces)
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(logs)
meters = MeterProvider(resource=resource, metric_readers=[PeriodicExportingMetricReader(OTLPMetricExporter())])
metrics.set_meter_provider(meters)

if KIND.startswith("openai-v2"):
    from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
elif KIND == "traceloop":
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
elif KIND == "openinference":
    from openinference.instrumentation.openai import OpenAIInstrumentor
if KIND != "plain":
    OpenAIInstrumentor().instrument()

meter = metrics.get_meter("demo")
meter.create_counter("orders").add(3, {"shop": "a"})
meter.create_histogram("latency").record(1.5)
meter.create_observable_gauge("load", [lambda _: [metrics.Observation(2.5)]])
with trace.get_tracer("demo", "1").start_as_current_span("work") as span:
    span.add_event("hello", {"x": 1})
    span.set_attribute("list", [1, 2])
    try:
        raise ValueError("bad")
    except ValueError as error:
        span.record_exception(error)
    if KIND == "plain":
        get_logger("demo").emit(LogRecord(
            timestamp=1795219200000000000, severity_number=SeverityNumber.WARN, severity_text="WARN",
            body={"text": "careful"}, attributes={"a": [1, "b"]}, event_name="demo.event",
        ))
    if KIND != "plain":
        import openai

        tool = {"type": "function", "function": {"name": "lookup", "parameters": {"type": "object", "properties": {}}}}
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
        client = openai.OpenAI(base_url=base + "/v1", api_key="none")
        client.chat.completions.create(
            model="gpt-4o-mini", temperature=0.2, max_tokens=50, messages=messages, tools=[tool])
for provider in (traces, logs, meters):
    provider.shutdown()
