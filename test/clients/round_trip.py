"""Ordinary round trips of boto3. Usage: round_trip.py ENDPOINT BUCKET < a JSON list of keys"""

import filecmp
import io
import json
import os
import sys
import tempfile
import urllib.request

import boto3
import urllib3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

endpoint, bucket = sys.argv[1:]
keys = json.load(sys.stdin)
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
)


def body_of(key):
    return b"content of " + key.encode()


def expect(actual, wanted):
    assert actual == wanted, f"got {actual!r:.300}, wanted {wanted!r:.300}"


def listed_keys(**options):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, **options)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


s3.create_bucket(Bucket=bucket)
assert bucket in [entry["Name"] for entry in s3.list_buckets()["Buckets"]]
for key in keys:
    s3.put_object(Bucket=bucket, Key=key, Body=body_of(key), Metadata={"note": "kept"})
for key in keys:
    answer = s3.get_object(Bucket=bucket, Key=key)
    expect(answer["Body"].read(), body_of(key))
    expect(answer["Metadata"], {"note": "kept"})
    expect(s3.head_object(Bucket=bucket, Key=key)["ContentLength"], len(body_of(key)))
    part = s3.get_object(Bucket=bucket, Key=key, Range="bytes=3-6")["Body"].read()
    expect(part, body_of(key)[3:7])

in_order = sorted(keys, key=lambda key: key.encode())
expect(listed_keys(), in_order)
expect(listed_keys(PaginationConfig={"PageSize": 2}), in_order)
expect([entry["Key"] for entry in s3.list_objects(Bucket=bucket)["Contents"]], in_order)
folder = s3.list_objects_v2(Bucket=bucket, Prefix="a", Delimiter="/")
expect([entry["Key"] for entry in folder["Contents"]], ["a"])
expect([entry["Prefix"] for entry in folder["CommonPrefixes"]], ["a/"])

for key in keys:
    source = {"Bucket": bucket, "Key": key}
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    expect(s3.get_object(Bucket=bucket, Key="copy")["Body"].read(), body_of(key))
    url = s3.generate_presigned_url("get_object", Params=source)
    with urllib.request.urlopen(url) as answer:
        expect(answer.read(), body_of(key))

http = urllib3.PoolManager()


def post(key, body, name="local.txt", **options):
    """Posts a file with a form that boto3 signed, as a browser would."""
    form = s3.generate_presigned_post(bucket, key, **options)
    fields = {**form["fields"], "file": (name, body)}
    return http.request("POST", form["url"], fields=fields)


for key in keys:
    expect(post(key, b"posted " + key.encode()).status, 204)
    expect(s3.get_object(Bucket=bucket, Key=key)["Body"].read(), b"posted " + key.encode())
answer = post(
    "posted/${filename}",
    b"x" * 100_000,
    Fields={"Content-Type": "text/plain", "success_action_status": "201"},
    Conditions=[
        ["starts-with", "$Content-Type", "text/"],
        {"success_action_status": "201"},
        ["content-length-range", 1, 100_000],
    ],
)
expect(answer.status, 201)
expect(b"<Key>posted/local.txt</Key>" in answer.data, True)
expect(s3.head_object(Bucket=bucket, Key="posted/local.txt")["ContentType"], "text/plain")
answer = post("too-large", b"12345", Conditions=[["content-length-range", 0, 4]])
expect((answer.status, b"<Code>EntityTooLarge</Code>" in answer.data), (400, True))
s3.delete_object(Bucket=bucket, Key="posted/local.txt")

large = os.urandom((20 << 20) + 17)
parts = TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
s3.upload_fileobj(io.BytesIO(large), bucket, "large", Config=parts)
assert s3.head_object(Bucket=bucket, Key="large")["ETag"].endswith('-5"')
target = io.BytesIO()
s3.download_fileobj(bucket, "large", target, Config=parts)
expect(target.getvalue() == large, True)

# Managed transfers of files, with the threads that they use by themselves.
with tempfile.TemporaryDirectory() as folder:
    source, back = os.path.join(folder, "source"), os.path.join(folder, "back")
    with open(source, "wb") as file:
        file.write(large)
    extra = {"Metadata": {"note": "kept"}, "ContentType": "text/plain"}
    s3.upload_file(source, bucket, "file ü", ExtraArgs=extra)
    head = s3.head_object(Bucket=bucket, Key="file ü")
    assert head["ETag"].endswith('-3"')
    expect((head["Metadata"], head["ContentType"]), ({"note": "kept"}, "text/plain"))
    s3.copy({"Bucket": bucket, "Key": "file ü"}, bucket, "managed copy", Config=parts)
    assert s3.head_object(Bucket=bucket, Key="managed copy")["ETag"].endswith('-5"')
    s3.download_file(bucket, "managed copy", back)
    expect(filecmp.cmp(source, back, shallow=False), True)

s3.delete_object(Bucket=bucket, Key=keys[0])
try:
    s3.get_object(Bucket=bucket, Key=keys[0])
    raise AssertionError("a deleted object was read")
except ClientError as error:
    expect(error.response["Error"]["Code"], "NoSuchKey")
rest = [{"Key": key} for key in listed_keys()]
answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": rest})
expect(len(answer["Deleted"]), len(rest))
expect(listed_keys(), [])
s3.delete_bucket(Bucket=bucket)
print("ok")
