// A WebSocket server (RFC 6455) on a unix socket, of nothing but Node's own modules: what
// comes goes back, frame by frame.
"use strict";
const crypto = require("crypto");
const http = require("http");

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// The first frame of the bytes: what it holds, and what follows it; null: it is not whole.
function takeFrame(bytes) {
    if (bytes.length < 2) return null;
    let length = bytes[1] & 0x7f, at = 2;
    if (length === 126) {
        if (bytes.length < 4) return null;
        length = bytes.readUInt16BE(2);
        at = 4;
    } else if (length === 127) {
        if (bytes.length < 10) return null;
        length = Number(bytes.readBigUInt64BE(2));
        at = 10;
    }
    if (bytes.length < at + 4 + length) return null;
    const mask = bytes.subarray(at, at + 4);
    const data = Buffer.from(bytes.subarray(at + 4, at + 4 + length));
    for (let i = 0; i < data.length; i++) data[i] ^= mask[i % 4];
    return { opcode: bytes[0] & 0x0f, data, rest: bytes.subarray(at + 4 + length) };
}

function frame(opcode, data) {
    let head;
    if (data.length < 126) {
        head = Buffer.from([0x80 | opcode, data.length]);
    } else if (data.length < 65536) {
        head = Buffer.from([0x80 | opcode, 126, data.length >> 8, data.length & 0xff]);
    } else {
        head = Buffer.alloc(10);
        head[0] = 0x80 | opcode;
        head[1] = 127;
        head.writeBigUInt64BE(BigInt(data.length), 2);
    }
    return Buffer.concat([head, data]);
}

const server = http.createServer((request, response) => response.writeHead(426).end());
server.on("upgrade", (request, socket, head) => {
    const accept = crypto.createHash("sha1")
        .update(request.headers["sec-websocket-key"] + GUID).digest("base64");
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n" +
        `Connection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    let bytes = head;
    socket.on("error", () => socket.destroy());
    socket.on("data", (more) => {
        bytes = Buffer.concat([bytes, more]);
        for (let next; (next = takeFrame(bytes)) !== null;) {
            bytes = next.rest;
            socket.write(frame(next.opcode, next.data));
            if (next.opcode === 8) socket.end();
        }
    });
});
server.listen(process.argv[2]);
