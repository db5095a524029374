"""Sends logs, spans and metrics with OpenTelemetry's SDK: http or grpc, the endpoint, the token, and the certificate.

Prints what the exporters gave back.
"""

import json
import sys

KIND, ENDPOINT, TOKEN = sys.argv[1:4]
CERTIFICATE = sys.argv[4] if len(sys.argv) > 4 else None

from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor  # noqa: E402
from opentelemetry._logs import LogRecord, SeverityNumber  # noqa: E402
from opentelemetry.sdk.metrics import MeterProvider  # noqa: E402
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader  # noqa: E402
from opentelemetry.sdk.resources import Resource  # noqa: E402
from opentelemetry.sdk.trace import TracerProvider  # noqa: E402
from opentelemetry.sdk.trace.export import SimpleSpanProcessor  # noqa: E402

if KIND == "http":
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    def options(path):
        return {"endpoint": ENDPOINT + path, "headers": {"Authorization": "Bearer " + TOKEN},
                "compression": Compression.Gzip}
else:
    import grpc
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    def options(path):
        common = {"endpoint": ENDPOINT, "headers": (("authorization", "Bearer " + TOKEN),),
                  "compression": grpc.Compression.Gzip}
        if CERTIFICATE:
            with open(CERTIFICATE, "rb") as file:
                return common | {"credentials": grpc.ssl_channel_credentials(file.read())}
        return common | {"insecure": True}

TOLD = []


def noting(kind):
    """The exporter, noting what each export gave."""

    class Noting(kind):
        def export(self, *arguments, **more):
            result = super().export(*arguments, **more)
            TOLD.append(result.name)
            return result

    return Noting


resource = Resource.create({"service.name": "travel", "service.namespace": "contoso"})
traces = TracerProvider(resource=resource)
traces.add_span_processor(SimpleSpanProcessor(noting(OTLPSpanExporter)(**options("/v1/traces"))))
logs = LoggerProvider(resource=resource)
logs.add_log_record_processor(SimpleLogRecordProcessor(noting(OTLPLogExporter)(**options("/v1/logs"))))
reader = PeriodicExportingMetricReader(noting(OTLPMetricExporter)(**options("/v1/metrics")))
meters = MeterProvider(resource=resource, metric_readers=[reader])

meters.get_meter("demo").create_counter("orders").add(3, {"shop": "a"})
with traces.get_tracer("demo").start_as_current_span("chat gpt-4o") as span:
    span.set_attribute("gen_ai.operation.name", "chat")
    span.set_attribute("gen_ai.provider.name", "openai")
    span.set_attribute("gen_ai.request.model", "gpt-4o")
    span.set_attribute("gen_ai.usage.input_tokens", 12)
    span.set_attribute("gen_ai.input.messages", json.dumps([{"role": "user", "parts": [{"content": "Capital?"}]}]))
    logs.get_logger("demo").emit(LogRecord(
        timestamp=1795219200000000000, severity_number=SeverityNumber.WARN, severity_text="WARN", body="careful"))
for provider in (traces, logs, meters):
    provider.shutdown()
print(json.dumps(sorted(TOLD)))
