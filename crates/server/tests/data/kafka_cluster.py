"""A Kafka cluster for tests, and clients that write to it.

Without an argument the cluster is the one that librdkafka brings for its own tests; with one, HOST:PORT, it is that one.
Each line of the input is a request as JSON, and each gets a line as answer. The first line tells where the cluster is.
"""

import ctypes
import glob
import json
import os
import sys

import confluent_kafka
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

STRING, INT32, INT64, POINTER = ctypes.c_char_p, ctypes.c_int32, ctypes.c_int64, ctypes.c_void_p


class Mock:
    """librdkafka's cluster within this process."""

    def __init__(self, brokers):
        folder = os.path.join(os.path.dirname(confluent_kafka.__file__), os.pardir, "confluent_kafka.libs")
        self.library = ctypes.CDLL(glob.glob(os.path.join(folder, "librdkafka*"))[0])
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
            getattr(self.library, name).restype = POINTER
        self.library.rd_kafka_mock_cluster_bootstraps.restype = STRING
        error = ctypes.create_string_buffer(512)
        handle = self.library.rd_kafka_new(0, POINTER(self.library.rd_kafka_conf_new()), error, 512)
        self.cluster = POINTER(self.library.rd_kafka_mock_cluster_new(POINTER(handle), brokers))
        self.bootstrap = self.library.rd_kafka_mock_cluster_bootstraps(self.cluster).decode()

    def call(self, name, *arguments):
        code = getattr(self.library, "rd_kafka_mock_" + name)(self.cluster, *arguments)
        assert code == 0, (name, code)

    def create(self, topic, partitions):
        self.call("topic_create", topic.encode(), partitions, 1)

    def delete(self, topic):
        self.call("topic_delete", topic.encode())

    def trim(self, topic, partition, offset):
        self.call("partition_delete_records", topic.encode(), INT32(partition), INT64(offset))

    def lead(self, topic, partition, broker):
        self.call("partition_set_leader", topic.encode(), INT32(partition), INT32(broker))

    def down(self, broker):
        self.call("broker_set_down", INT32(broker))

    def up(self, broker):
        self.call("broker_set_up", INT32(broker))

    def least(self, api, version):
        self.call("set_apiversion", ctypes.c_int16(api), ctypes.c_int16(0), ctypes.c_int16(version))

    def front(self, certificate, key, asks):
        """Has clients come through what asks for TLS or a login; gives where that is."""
        import kafka_front

        targets = [broker.rsplit(":", 1) for broker in self.bootstrap.split(",")]
        ports = kafka_front.start([(host, int(port)) for host, port in targets], certificate, key, asks)
        for broker, port in enumerate(ports, 1):
            self.call("broker_set_host_port", INT32(broker), b"localhost", ctypes.c_int(port))
        return ",".join(f"localhost:{port}" for port in ports)

    def fail(self, api, codes):
        array = (ctypes.c_int * len(codes))(*codes)
        self.library.rd_kafka_mock_push_request_errors_array(
            self.cluster, ctypes.c_int16(api), ctypes.c_size_t(len(codes)), array
        )


class Admin:
    """A cluster that runs somewhere."""

    def __init__(self, bootstrap, options):
        self.bootstrap = bootstrap
        self.client = AdminClient({"bootstrap.servers": bootstrap, **options})

    def create(self, topic, partitions):
        for done in self.client.create_topics([NewTopic(topic, partitions, 1)]).values():
            done.result(30)

    def widen(self, topic, partitions):
        for done in self.client.create_partitions([NewPartitions(topic, partitions)]).values():
            done.result(30)

    def delete(self, topic):
        for done in self.client.delete_topics([topic]).values():
            done.result(30)

    def trim(self, topic, partition, offset):
        place = confluent_kafka.TopicPartition(topic, partition, offset)
        for done in self.client.delete_records([place]).values():
            done.result(30)


def encoded(text):
    return None if text is None else text.encode("latin-1")


def with_confluent(bootstrap, options, topic, codec, messages):
    producer = confluent_kafka.Producer(
        {"bootstrap.servers": bootstrap, "compression.type": codec, "linger.ms": 20, **options}
    )
    failed = []
    for partition, key, value, headers in messages:
        while True:
            try:
                producer.produce(
                    topic, encoded(value), encoded(key), partition, headers=[(name, encoded(text)) for name, text in headers] or None,
                    on_delivery=lambda error, _: failed.append(str(error)) if error else None,
                )
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    left = producer.flush(60)
    assert not failed and left == 0, (failed[:3], left)


def with_kafka_python(bootstrap, options, topic, codec, messages):
    from kafka import KafkaProducer

    producer = KafkaProducer(
        bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, linger_ms=20, **options
    )
    sent = [
        producer.send(topic, encoded(value), encoded(key), [(name, encoded(text)) for name, text in headers], partition)
        for partition, key, value, headers in messages
    ]
    producer.flush(60)
    for one in sent:
        one.get(60)
    producer.close()


def with_aiokafka(bootstrap, options, topic, codec, messages):
    import asyncio

    from aiokafka import AIOKafkaProducer

    async def send():
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap, compression_type=None if codec == "none" else codec, **options
        )
        await producer.start()
        try:
            for partition, key, value, headers in messages:
                headers = [(name, encoded(text)) for name, text in headers]
                await producer.send_and_wait(topic, encoded(value), encoded(key), partition, headers=headers)
        finally:
            await producer.stop()

    asyncio.run(send())


def transact(bootstrap, options, topic, name, parts):
    """Transactions, each of which is committed or aborted."""
    settings = {"bootstrap.servers": bootstrap, "transactional.id": name, "linger.ms": 1, **options}
    producer = confluent_kafka.Producer(settings)
    producer.init_transactions(30)
    for commits, messages in parts:
        producer.begin_transaction()
        for partition, value in messages:
            producer.produce(topic, encoded(value), None, partition)
        producer.flush(30)
        if commits:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)


CLIENTS = {"confluent": with_confluent, "kafka-python": with_kafka_python, "aiokafka": with_aiokafka}


def main():
    options = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    cluster = Admin(sys.argv[1], options) if len(sys.argv) > 1 else Mock(2)
    print(json.dumps(cluster.bootstrap), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        what = request.pop("do")
        try:
            if what == "produce":
                send = CLIENTS[request.get("client", "confluent")]
                messages = [(*message, [], [])[:4] for message in request["messages"]]
                messages = [(p, k, v, h) for p, k, v, h in messages]
                send(cluster.bootstrap, request.get("options", options), request["topic"], request.get("codec", "none"), messages)
            elif what == "count":
                # Numbered rows, in turn for each of the partitions.
                first, count, partitions = request["first"], request["count"], request["partitions"]
                messages = [(n % partitions, None, json.dumps({"n": n}), []) for n in range(first, first + count)]
                with_confluent(cluster.bootstrap, options, request["topic"], request.get("codec", "none"), messages)
            elif what == "transact":
                transact(cluster.bootstrap, options, request["topic"], request["name"], request["parts"])
            else:
                told = getattr(cluster, what)(**request)
                print(json.dumps(told or "done"), flush=True)
                continue
            print(json.dumps("done"), flush=True)
        except Exception as error:
            print(json.dumps({"failed": f"{type(error).__name__}: {error}"}), flush=True)


main()
