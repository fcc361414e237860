# SPDX-License-Identifier: Apache-2.0
"""A worker for Swiftlet in another language, written from Config/protocol.md alone.

worker.py PORT WORKER MODEL MODEL.onnx LABELS.txt SIDE SCALE

The network takes float32 [1, 3, SIDE, SIDE] RGB, each sample times SCALE, and gives logits.
"""
import hashlib, io, json, secrets, struct, sys, time

import numpy
import onnxruntime
import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from PIL import Image

port, worker, model, onnx, labels, side, scale = sys.argv[1:8]
network = onnxruntime.InferenceSession(onnx, providers=["CPUExecutionProvider"])
task = hashlib.sha256("\n".join(open(labels).read().splitlines()).encode()).hexdigest()
prefix, boot = "swiftlet/v1/", secrets.token_hex(16)
status_topic, pool_topic = f"{prefix}c/worker/{worker}/status", f"{prefix}c/pool/{model}/state"


def properties(**values):
    result = Properties(PacketTypes.PUBLISH)
    for name, value in values.items():
        setattr(result, name, value)
    return result


def say(topic, message, retain=False, **values):
    client.publish(topic, json.dumps({"v": 1} | message), 1, retain, properties(**values))


def status(state):
    return {"state": state, "session": 1, "boot": boot, "agent": "worker.py"}


def pool_state(online):
    state = {"online": online, "worker": worker, "task": task, "capacity": 1}
    say(pool_topic, state, retain=True, MessageExpiryInterval=90)


def answer(payload):
    header = {}
    try:
        (length,) = struct.unpack(">I", payload[:4])
        header = json.loads(payload[4 : 4 + length])
        if header["task"] != task:
            return header, {"status": "no_model", "reason": "other labels"}
        start = time.monotonic()
        image = Image.open(io.BytesIO(payload[4 + length :])).convert("RGB").resize((int(side), int(side)), Image.BILINEAR)
        pixels = numpy.asarray(image, numpy.float32).transpose(2, 0, 1)[None] * numpy.float32(scale)
        logits = network.run(None, {network.get_inputs()[0].name: pixels})[0][0].astype(numpy.float64)
        shares = numpy.exp(logits - logits.max())
        shares /= shares.sum()
        top = [{"class": int(i), "probability": float(shares[i])} for i in numpy.argsort(-shares)[:5]]
        best = {"class": top[0]["class"], "confidence": top[0]["probability"]}
        return header, {"status": "ok", "answer": best, "top": top, "infer_ms": (time.monotonic() - start) * 1000}
    except Exception as error:
        return header, {"status": "bad_request", "reason": str(error)[:200]}


def on_message(client, context, message):
    levels = message.topic.split("/")
    if levels[2] == "c":
        if message.topic == pool_topic and not json.loads(message.payload or "{}").get("online", True):
            pool_state(True)
        return
    correlation = getattr(message.properties, "CorrelationData", b"")
    header, reply = answer(message.payload)
    name = header.get("id") or correlation.hex()
    say(f"{prefix}d/{levels[3]}/dn/infer", reply | {"id": name, "model": model}, CorrelationData=bytes.fromhex(name))


def on_connect(client, context, flags, code, properties):
    client.subscribe([(f"$share/workers/{prefix}d/+/up/infer/{model}", 1), (pool_topic, 1)])
    say(status_topic, status("online"), retain=True)
    pool_state(True)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, worker, protocol=mqtt.MQTTv5)
client.on_connect, client.on_message = on_connect, on_message
client.will_set(status_topic, json.dumps({"v": 1} | status("offline")), 1, True)
client.connect("127.0.0.1", int(port), clean_start=True)
said = time.monotonic()
while client.loop(1.0) == mqtt.MQTT_ERR_SUCCESS:
    if time.monotonic() - said > 30:
        said = time.monotonic()
        pool_state(True)
