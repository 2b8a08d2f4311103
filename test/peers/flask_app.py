"""An ordinary Flask application; it knows nothing of a proxy but what the standard fields say."""

import gzip
import hashlib
import os

from flask import Flask, Response, jsonify, make_response, redirect, request, send_from_directory

app = Flask(__name__)


@app.get("/")
def home():
    return "<!doctype html><title>Flask</title><p>hello"


@app.get("/seen")
def seen():
    """What the application believes about the request."""
    return jsonify(host=request.host, url=request.url, query=request.args.to_dict(),
                   forwarded_for=request.headers.get("X-Forwarded-For"),
                   forwarded_proto=request.headers.get("X-Forwarded-Proto"),
                   accept=request.headers.get("Accept"))


@app.post("/form")
def form():
    answer = make_response(redirect("/welcome", 303))
    answer.set_cookie("name", request.form["name"], httponly=True)
    answer.set_cookie("seen", "1")
    return answer


@app.get("/welcome")
def welcome():
    return f"welcome {request.cookies['name']}, seen {request.cookies['seen']}"


@app.put("/upload")
@app.post("/upload")
def upload():
    digest, count = hashlib.sha256(), 0
    while piece := request.stream.read(65536):
        digest.update(piece)
        count += len(piece)
    return jsonify(bytes=count, sha256=digest.hexdigest(), length=request.content_length)


@app.get("/generated/<int:count>")
def generated(count):
    """A body whose length nobody says."""
    return Response((f"line {i}\n" for i in range(count)), mimetype="text/plain")


@app.get("/packed/<int:count>")
def packed(count):
    """Packed by the application itself, for those who can unpack it."""
    answer = make_response("".join(f"line {i}\n" for i in range(count)))
    if "gzip" in request.accept_encodings:
        answer.set_data(gzip.compress(answer.get_data()))
        answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    return answer


@app.get("/files/<path:name>")
def files(name):
    return send_from_directory(os.environ["FILES"], name)


@app.get("/gone")
def gone():
    raise RuntimeError("an ordinary mistake")
