/* Every published way to have two HTTP/1.1 parties disagree on where a request
 * ends, and the answer to each. Answered by muxd itself and through it by an
 * upstream, which must see as many requests as were answered, and no other.
 *
 * Behind each request comes a GET of /next, answered 204: it is a request of its
 * own exactly when the one before it was taken and had ended. /smuggled, which
 * stands where only a wrong framing finds it, answers 410. */
#include "tests/serve/harness.h"

#define HOST "Host: localhost\r\n"
#define POST "POST /echo HTTP/1.1\r\n" HOST
#define GET "GET /echo HTTP/1.1\r\n" HOST
#define LENGTH "Content-Length: 5\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define SMUGGLED "GET /smuggled HTTP/1.1\r\n" HOST "\r\n"
#define NEXT "GET /next HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"
#define CHUNKS "5\r\nhello\r\n0\r\n\r\n"
#define CHUNKED_POST POST CHUNKED "\r\n"

/* Bytes, which may hold NULs. */
#define BYTES(text) text, sizeof(text) - 1

struct vector {
    const char *name;
    const char *section; /* that says so */
    const char *bytes;
    size_t len;
    const char *answers; /* statuses of all answers; after a 400 or 501 the connection is closed */
};

/* Content-Length and Transfer-Encoding in one request, in each order and disguise. */
static const struct vector both_lengths[] = {
    { "CL.TE", "9112 6.1", BYTES(POST "Content-Length: 6\r\n" CHUNKED "\r\n0\r\n\r\nG"), "400" },
    { "CL.TE with a request", "9112 6.1",
      BYTES(POST "Content-Length: 48\r\n" CHUNKED "\r\n0\r\n\r\n" SMUGGLED), "400" },
    { "TE.CL", "9112 6.1",
      BYTES(POST CHUNKED "Content-Length: 4\r\n\r\n5c\r\n" SMUGGLED "0\r\n\r\n"), "400" },
    { "TE.CL with length 0", "9112 6.1", BYTES(POST CHUNKED "Content-Length: 0\r\n\r\n" CHUNKS),
      "400" },
    { "TE.CL in a GET", "9112 6.1", BYTES(GET CHUNKED LENGTH "\r\n" CHUNKS), "400" },
    { "a broken length behind an encoding", "9112 6.3",
      BYTES(POST CHUNKED "Content-Length: x\r\n\r\n" CHUNKS), "400" },
    { "an unknown encoding and a length", "9112 6.3",
      BYTES(POST "Transfer-Encoding: xchunked\r\n" LENGTH "\r\nhello"), "400" },
    { "identity and a length", "9112 6.3",
      BYTES(POST "Transfer-Encoding: identity\r\n" LENGTH "\r\nhello"), "400" },
    { "an empty encoding and a length", "9112 6.3",
      BYTES(POST "Transfer-Encoding:\r\n" LENGTH "\r\nhello"), "400" },
    { "an encoding behind a bare LF", "9112 2.2", BYTES(POST "X: x\n" CHUNKED LENGTH "\r\nhello"),
      "400" },
    { "an encoding with an underscore is another field", "9110 5.1",
      BYTES(POST "Transfer_Encoding: chunked\r\n" LENGTH "\r\nhello"), "200 204" },
    { "a length with an underscore is another field", "9110 5.1",
      BYTES(POST "Content_Length: 3\r\n" CHUNKED "\r\n" CHUNKS), "200 204" },
    { "Content-Encoding frames nothing", "9110 8.4",
      BYTES(POST "Content-Encoding: chunked\r\n" LENGTH "\r\nhello"), "200 204" },
};

/* Transfer-Encodings that one party takes for chunked and another does not. */
static const struct vector encodings[] = {
    { "chunked", "9112 7.1", BYTES(CHUNKED_POST CHUNKS), "200 204" },
    { "in capitals", "9112 7", BYTES(POST "TRANSFER-ENCODING: CHUNKED\r\n\r\n" CHUNKS), "200 204" },
    { "behind a tab", "9110 5.5", BYTES(POST "Transfer-Encoding:\tchunked\r\n\r\n" CHUNKS),
      "200 204" },
    { "before spaces", "9110 5.5", BYTES(POST "Transfer-Encoding: chunked \t \r\n\r\n" CHUNKS),
      "200 204" },
    { "without a space", "9110 5.5", BYTES(POST "Transfer-Encoding:chunked\r\n\r\n" CHUNKS),
      "200 204" },
    { "in a GET", "9110 9.3.1", BYTES(GET CHUNKED "\r\n" CHUNKS), "200 204" },
    { "xchunked", "9112 6.1", BYTES(POST "Transfer-Encoding: xchunked\r\n\r\n" CHUNKS), "501" },
    { "chunkedx", "9112 6.1", BYTES(POST "Transfer-Encoding: chunkedx\r\n\r\n" CHUNKS), "501" },
    { "identity", "9112 7", BYTES(POST "Transfer-Encoding: identity\r\n\r\n" CHUNKS), "501" },
    { "nothing", "9112 6.1", BYTES(POST "Transfer-Encoding:\r\n\r\n" CHUNKS), "501" },
    { "quoted", "9112 6.1", BYTES(POST "Transfer-Encoding: \"chunked\"\r\n\r\n" CHUNKS), "501" },
    { "in single quotes", "9112 6.1", BYTES(POST "Transfer-Encoding: 'chunked'\r\n\r\n" CHUNKS),
      "501" },
    { "with a parameter", "9112 7", BYTES(POST "Transfer-Encoding: chunked;q=1\r\n\r\n" CHUNKS),
      "501" },
    { "two words", "9112 6.1", BYTES(POST "Transfer-Encoding: x chunked\r\n\r\n" CHUNKS), "501" },
    { "chunked, identity", "9112 6.3",
      BYTES(POST "Transfer-Encoding: chunked, identity\r\n\r\n" CHUNKS), "400" },
    { "identity, chunked", "9112 6.3",
      BYTES(POST "Transfer-Encoding: identity, chunked\r\n\r\n" CHUNKS), "400" },
    { "gzip, chunked", "9112 6.1", BYTES(POST "Transfer-Encoding: gzip, chunked\r\n\r\n" CHUNKS),
      "400" },
    { "chunked, chunked", "9112 6.1",
      BYTES(POST "Transfer-Encoding: chunked, chunked\r\n\r\n" CHUNKS), "400" },
    { "chunked and a comma", "9110 5.6.1", BYTES(POST "Transfer-Encoding: chunked,\r\n\r\n" CHUNKS),
      "400" },
    { "a comma and chunked", "9110 5.6.1", BYTES(POST "Transfer-Encoding: ,chunked\r\n\r\n" CHUNKS),
      "400" },
    { "twice", "9112 6.1", BYTES(POST CHUNKED CHUNKED "\r\n" CHUNKS), "400" },
    { "once and another", "9112 6.3", BYTES(POST CHUNKED "Transfer-Encoding: x\r\n\r\n" CHUNKS),
      "400" },
    { "another and once", "9112 6.3", BYTES(POST "Transfer-Encoding: x\r\n" CHUNKED "\r\n" CHUNKS),
      "400" },
    { "once in capitals, once not", "9112 6.3",
      BYTES(POST CHUNKED "transfer-encoding: identity\r\n\r\n" CHUNKS), "400" },
    { "in HTTP/1.0", "9112 6.1",
      BYTES("POST /echo HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n" CHUNKED "\r\n" CHUNKS),
      "400" },
    { "in HTTP/1.0 with a length", "9112 6.1",
      BYTES("POST /echo HTTP/1.0\r\n" HOST CHUNKED LENGTH "\r\nhello"), "400" },
    { "space before the colon", "9112 5.1",
      BYTES(POST "Transfer-Encoding : chunked\r\n\r\n" CHUNKS), "400" },
    { "tab before the colon", "9112 5.1", BYTES(POST "Transfer-Encoding\t: chunked\r\n\r\n" CHUNKS),
      "400" },
    { "CR before the colon", "9112 2.2", BYTES(POST "Transfer-Encoding\r: chunked\r\n\r\n" CHUNKS),
      "400" },
    { "line break before the colon", "9112 5.1",
      BYTES(POST "Transfer-Encoding\r\n: chunked\r\n\r\n" CHUNKS), "400" },
    { "NUL before the colon", "9110 5.6.2",
      BYTES(POST "Transfer-Encoding\0: chunked\r\n\r\n" CHUNKS), "400" },
    { "VT before the colon", "9110 5.6.2",
      BYTES(POST "Transfer-Encoding\v: chunked\r\n\r\n" CHUNKS), "400" },
    { "DEL before the colon", "9110 5.6.2",
      BYTES(POST "Transfer-Encoding\x7f: chunked\r\n\r\n" CHUNKS), "400" },
    { "a space before the name", "9112 5.2",
      BYTES(POST " Transfer-Encoding: chunked\r\n\r\n" CHUNKS), "400" },
    { "a NUL before the name", "9110 5.6.2",
      BYTES(POST "\0Transfer-Encoding: chunked\r\n\r\n" CHUNKS), "400" },
    { "a CR before the name", "9112 2.2", BYTES(POST "\rTransfer-Encoding: chunked\r\n\r\n" CHUNKS),
      "400" },
    { "no colon", "9112 5", BYTES(POST "Transfer-Encoding=chunked\r\n\r\n" CHUNKS), "400" },
    { "VT before the value", "9110 5.5", BYTES(POST "Transfer-Encoding: \vchunked\r\n\r\n" CHUNKS),
      "400" },
    { "FF behind the value", "9110 5.5", BYTES(POST "Transfer-Encoding: chunked\f\r\n\r\n" CHUNKS),
      "400" },
    { "DEL behind the value", "9110 5.5",
      BYTES(POST "Transfer-Encoding: chunked\x7f\r\n\r\n" CHUNKS), "400" },
    { "NUL in the value", "9110 5.5", BYTES(POST "Transfer-Encoding: chunk\0ed\r\n\r\n" CHUNKS),
      "400" },
    { "NUL behind the value", "9110 5.5", BYTES(POST "Transfer-Encoding: chunked\0\r\n\r\n" CHUNKS),
      "400" },
    { "NEL behind the value", "9110 5.5",
      BYTES(POST "Transfer-Encoding: chunked\x85\r\n\r\n" CHUNKS), "501" },
    { "a no-break space before the value", "9110 5.5",
      BYTES(POST "Transfer-Encoding: \xa0"
                 "chunked\r\n\r\n" CHUNKS),
      "501" },
    { "folded", "9112 5.2", BYTES(POST "Transfer-Encoding:\r\n chunked\r\n\r\n" CHUNKS), "400" },
    { "folded by a tab", "9112 5.2", BYTES(POST "Transfer-Encoding:\r\n\tchunked\r\n\r\n" CHUNKS),
      "400" },
    { "folded away", "9112 5.2", BYTES(POST "X: x\r\n Transfer-Encoding: chunked\r\n\r\n" CHUNKS),
      "400" },
    { "folded behind a bare LF", "9112 5.2",
      BYTES(POST "Transfer-Encoding:\n chunked\r\n\r\n" CHUNKS), "400" },
    { "behind a bare CR", "9112 2.2", BYTES(POST "X: x\r" CHUNKED "\r\n" CHUNKS), "400" },
    { "behind two bare CRs", "9112 2.2", BYTES(POST "X: x\r\r" CHUNKED "\r\n" CHUNKS), "400" },
    { "behind CR LF CR", "9112 2.2", BYTES(POST "X: x\r\n\r" CHUNKED "\r\n" CHUNKS), "400" },
    { "a bare CR behind it", "9112 2.2", BYTES(POST "Transfer-Encoding: chunked\r\r\n\r\n" CHUNKS),
      "400" },
};

/* Content-Lengths that are read in more than one way, or not read at all. */
static const struct vector lengths[] = {
    { "a length", "9112 6.2", BYTES(POST LENGTH "\r\nhello"), "200 204" },
    { "CL.0: a length with a GET", "9110 9.3.1", BYTES(GET "Content-Length: 43\r\n\r\n" SMUGGLED),
      "200 204" },
    { "CL.0: a length with a POST", "9112 6.2", BYTES(POST "Content-Length: 43\r\n\r\n" SMUGGLED),
      "200 204" },
    { "CL.0: a length where nobody reads a body", "9112 6.2",
      BYTES("POST /next HTTP/1.1\r\n" HOST "Content-Length: 43\r\n\r\n" SMUGGLED), "204 204" },
    { "CL.0: a length of an unknown path", "9112 6.2",
      BYTES("POST /none HTTP/1.1\r\n" HOST "Content-Length: 43\r\n\r\n" SMUGGLED), "404 204" },
    { "a HEAD with a length", "9110 9.3.2",
      BYTES("HEAD /next HTTP/1.1\r\n" HOST "Content-Length: 43\r\n\r\n" SMUGGLED), "204 204" },
    { "0.CL: nothing but a length of 0", "9112 6.2", BYTES(POST "Content-Length: 0\r\n\r\n"),
      "200 204" },
    { "0.CL: no length at all", "9112 6.3", BYTES(POST "\r\n"), "200 204" },
    { "0.CL: a length behind a space", "9112 5.1", BYTES(POST "Content-Length : 5\r\n\r\nhello"),
      "400" },
    { "0.CL: a folded length", "9112 5.2", BYTES(POST "Content-Length:\r\n 5\r\n\r\nhello"),
      "400" },
    { "0.CL: a length behind a bare CR", "9112 2.2",
      BYTES(POST "X: x\rContent-Length: 5\r\n\r\nhello"), "400" },
    { "0.CL: a length in a name with a NUL", "9110 5.6.2",
      BYTES(POST "Content-Length\0: 5\r\n\r\nhello"), "400" },
    { "twice, different", "9112 6.3", BYTES(POST LENGTH "Content-Length: 6\r\n\r\nhello"), "400" },
    { "twice, the same", "9112 6.3", BYTES(POST LENGTH LENGTH "\r\nhello"), "400" },
    { "twice, one 0", "9112 6.3", BYTES(POST "Content-Length: 0\r\n" LENGTH "\r\nhello"), "400" },
    { "once more in capitals", "9112 6.3", BYTES(POST LENGTH "CONTENT-LENGTH: 0\r\n\r\nhello"),
      "400" },
    { "a list, different", "9112 6.3", BYTES(POST "Content-Length: 5, 6\r\n\r\nhello"), "400" },
    { "a list, the same", "9112 6.3", BYTES(POST "Content-Length: 5, 5\r\n\r\nhello"), "400" },
    { "a list without spaces", "9112 6.3", BYTES(POST "Content-Length: 5,5\r\n\r\nhello"), "400" },
    { "a comma behind it", "9112 6.3", BYTES(POST "Content-Length: 5,\r\n\r\nhello"), "400" },
    { "empty", "9110 8.6", BYTES(POST "Content-Length:\r\n\r\nhello"), "400" },
    { "signed +", "9110 8.6", BYTES(POST "Content-Length: +5\r\n\r\nhello"), "400" },
    { "signed -", "9110 8.6", BYTES(POST "Content-Length: -5\r\n\r\nhello"), "400" },
    { "minus zero", "9110 8.6", BYTES(POST "Content-Length: -0\r\n\r\n"), "400" },
    { "hexadecimal", "9110 8.6", BYTES(POST "Content-Length: 0x5\r\n\r\nhello"), "400" },
    { "hexadecimal digits", "9110 8.6", BYTES(POST "Content-Length: a\r\n\r\nhello"), "400" },
    { "a fraction", "9110 8.6", BYTES(POST "Content-Length: 5.0\r\n\r\nhello"), "400" },
    { "an exponent", "9110 8.6", BYTES(POST "Content-Length: 5e0\r\n\r\nhello"), "400" },
    { "with an underscore", "9110 8.6", BYTES(POST "Content-Length: 0_5\r\n\r\nhello"), "400" },
    { "quoted", "9110 8.6", BYTES(POST "Content-Length: \"5\"\r\n\r\nhello"), "400" },
    { "two numbers", "9110 8.6", BYTES(POST "Content-Length: 5 5\r\n\r\nhello"), "400" },
    { "words behind it", "9110 8.6", BYTES(POST "Content-Length: 5 bytes\r\n\r\nhello"), "400" },
    { "a parameter", "9110 8.6", BYTES(POST "Content-Length: 5;x\r\n\r\nhello"), "400" },
    { "VT behind it", "9110 5.5", BYTES(POST "Content-Length: 5\v\r\n\r\nhello"), "400" },
    { "NUL behind it", "9110 5.5", BYTES(POST "Content-Length: 5\0\r\n\r\nhello"), "400" },
    { "past 63 bits", "9110 8.6", BYTES(POST "Content-Length: 9223372036854775808\r\n\r\nhello"),
      "400" },
    { "past 64 bits", "9110 8.6", BYTES(POST "Content-Length: 18446744073709551621\r\n\r\nhello"),
      "400" },
    { "past 32 bits", "9110 15.5.14", BYTES(POST "Content-Length: 4294967301\r\n\r\nhello"),
      "413" },
    { "with leading zeros", "9110 8.6", BYTES(POST "Content-Length: 0005\r\n\r\nhello"),
      "200 204" },
    { "in HTTP/1.0", "9112 6.2",
      BYTES("POST /echo HTTP/1.0\r\n" HOST "Connection: keep-alive\r\n" LENGTH "\r\nhello"),
      "200 204" },
    { "named by Connection", "9110 7.6.1",
      BYTES(POST "Connection: content-length\r\n" LENGTH "\r\nhello"), "200 204" },
    { "an encoding that Connection names", "9110 7.6.1",
      BYTES(POST "Connection: transfer-encoding\r\n" CHUNKED "\r\n" CHUNKS), "200 204" },
    { "a host that Connection names", "9110 7.6.1",
      BYTES(POST "Connection: host, keep-alive\r\n" LENGTH "\r\nhello"), "200 204" },
};

/* Chunk sizes, extensions and ends that are read in more than one way. */
static const struct vector chunks[] = {
    { "capital digits", "9112 7.1", BYTES(CHUNKED_POST "A\r\n0123456789\r\n0\r\n\r\n"), "200 204" },
    { "leading zeros", "9112 7.1", BYTES(CHUNKED_POST "0005\r\nhello\r\n00\r\n\r\n"), "200 204" },
    { "an extension", "9112 7.1.1", BYTES(CHUNKED_POST "5;a=b\r\nhello\r\n0;c\r\n\r\n"),
      "200 204" },
    { "a quoted extension", "9112 7.1.1", BYTES(CHUNKED_POST "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n"),
      "200 204" },
    { "space before an extension", "9112 7.1.1",
      BYTES(CHUNKED_POST "5 \t; a=b\r\nhello\r\n0\r\n\r\n"), "200 204" },
    { "space and no extension", "9112 7.1", BYTES(CHUNKED_POST "5 \r\nhello\r\n0\r\n\r\n"), "400" },
    { "space before the size", "9112 7.1", BYTES(CHUNKED_POST " 5\r\nhello\r\n0\r\n\r\n"), "400" },
    { "no size", "9112 7.1", BYTES(CHUNKED_POST "\r\nhello\r\n0\r\n\r\n"), "400" },
    { "an extension and no size", "9112 7.1", BYTES(CHUNKED_POST ";a\r\nhello\r\n0\r\n\r\n"),
      "400" },
    { "signed +", "9112 7.1", BYTES(CHUNKED_POST "+5\r\nhello\r\n0\r\n\r\n"), "400" },
    { "signed -", "9112 7.1", BYTES(CHUNKED_POST "-5\r\nhello\r\n0\r\n\r\n"), "400" },
    { "0x", "9112 7.1", BYTES(CHUNKED_POST "0x5\r\nhello\r\n0\r\n\r\n"), "400" },
    { "an underscore", "9112 7.1", BYTES(CHUNKED_POST "0_5\r\nhello\r\n0\r\n\r\n"), "400" },
    { "a letter past f", "9112 7.1", BYTES(CHUNKED_POST "5g\r\nhello\r\n0\r\n\r\n"), "400" },
    { "past 63 bits", "9112 7.1", BYTES(CHUNKED_POST "8000000000000000\r\nhello\r\n0\r\n\r\n"),
      "400" },
    { "past 64 bits", "9112 7.1", BYTES(CHUNKED_POST "10000000000000005\r\nhello\r\n0\r\n\r\n"),
      "400" },
    { "zeros past 64 bits", "9112 7.1",
      BYTES(CHUNKED_POST "00000000000000005\r\nhello\r\n0\r\n\r\n"), "400" },
    { "past 32 bits", "9110 15.5.14", BYTES(CHUNKED_POST "100000005\r\nhello\r\n0\r\n\r\n"),
      "413" },
    { "NUL behind the size", "9112 7.1", BYTES(CHUNKED_POST "5\0\r\nhello\r\n0\r\n\r\n"), "400" },
    { "VT behind the size", "9112 7.1", BYTES(CHUNKED_POST "5\v\r\nhello\r\n0\r\n\r\n"), "400" },
    { "NUL in an extension", "9112 7.1.1", BYTES(CHUNKED_POST "5;a\0\r\nhello\r\n0\r\n\r\n"),
      "400" },
    { "a bare LF behind the size", "9112 7.1", BYTES(CHUNKED_POST "5\nhello\r\n0\r\n\r\n"), "400" },
    { "a bare CR behind the size", "9112 7.1", BYTES(CHUNKED_POST "5\rhello\r\n0\r\n\r\n"), "400" },
    { "TERM.EXT: a bare LF ends an extension", "9112 7.1.1",
      BYTES(CHUNKED_POST "5;\nhello\r\n0\r\n\r\n"), "400" },
    { "EXT.TERM: a request in an extension", "9112 7.1.1",
      BYTES(CHUNKED_POST "2;\nxx\r\n4c\r\n0\r\n\r\n" SMUGGLED), "400" },
    { "a bare CR in an extension", "9112 7.1.1", BYTES(CHUNKED_POST "5;a\rb\r\nhello\r\n0\r\n\r\n"),
      "400" },
    { "a bare LF in a quoted extension", "9112 7.1.1",
      BYTES(CHUNKED_POST "5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), "400" },
    { "a line break in a quoted extension", "9112 7.1.1",
      BYTES(CHUNKED_POST "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n"), "400" },
    { "TERM.SPILL: a bare LF ends the data", "9112 7.1",
      BYTES(CHUNKED_POST "5\r\nhello\n0\r\n\r\n"), "400" },
    { "a bare CR ends the data", "9112 7.1", BYTES(CHUNKED_POST "5\r\nhello\r0\r\n\r\n"), "400" },
    { "SPILL.TERM: data longer than said", "9112 7.1",
      BYTES(CHUNKED_POST "5\r\nhelloxx0\r\n\r\n" SMUGGLED), "400" },
    { "data without an end", "9112 7.1", BYTES(CHUNKED_POST "5\r\nhello0\r\n\r\n"), "400" },
    { "ONE.TWO: one byte for the line break", "9112 7.1",
      BYTES(CHUNKED_POST "5\r\nhelloX0\r\n\r\n"), "400" },
    { "a bare LF ends all", "9112 7.1", BYTES(CHUNKED_POST "5\r\nhello\r\n0\r\n\n"), "400" },
    { "a bare LF behind the last chunk", "9112 7.1", BYTES(CHUNKED_POST "5\r\nhello\r\n0\n\r\n"),
      "400" },
    { "a bare CR ends all", "9112 7.1", BYTES(CHUNKED_POST "5\r\nhello\r\n0\r\n\r"), "400" },
    { "no chunk but the last", "9112 7.1", BYTES(CHUNKED_POST "0\r\n\r\n"), "200 204" },
    { "a request behind the last chunk", "9112 9.3.2",
      BYTES(CHUNKED_POST "0\r\n\r\nGET /echo HTTP/1.1\r\n" HOST "\r\n"), "200 200 204" },
};

static const struct vector trailers[] = {
    { "a length in the trailer", "9110 6.5.1",
      BYTES(CHUNKED_POST "5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n"), "200 204" },
    { "an encoding in the trailer", "9110 6.5.1",
      BYTES(CHUNKED_POST "5\r\nhello\r\n0\r\n" CHUNKED "\r\n"), "200 204" },
    { "a host in the trailer", "9110 6.5.1",
      BYTES(CHUNKED_POST "5\r\nhello\r\n0\r\nHost: other\r\n\r\n"), "200 204" },
    { "Connection in the trailer", "9110 6.5.1",
      BYTES(CHUNKED_POST "5\r\nhello\r\n0\r\nConnection: close\r\n\r\n"), "200 204" },
    { "a trailer that Trailer names", "9110 6.6.2",
      BYTES(POST "Trailer: X\r\n" CHUNKED "\r\n5\r\nhello\r\n0\r\nX: x\r\n\r\n"), "200 204" },
    { "no colon", "9112 5", BYTES(CHUNKED_POST "0\r\nnonsense\r\n\r\n"), "400" },
    { "a request for a trailer", "9112 7.1.2", BYTES(CHUNKED_POST "0\r\n" SMUGGLED), "400" },
    { "no name", "9112 5", BYTES(CHUNKED_POST "0\r\n: x\r\n\r\n"), "400" },
    { "space before the colon", "9112 5.1", BYTES(CHUNKED_POST "0\r\nX : x\r\n\r\n"), "400" },
    { "folded", "9112 5.2", BYTES(CHUNKED_POST "0\r\nX: x\r\n y\r\n\r\n"), "400" },
    { "a bare LF", "9112 7.1.2", BYTES(CHUNKED_POST "0\r\nX: x\n\r\n"), "400" },
    { "a bare CR", "9112 7.1.2", BYTES(CHUNKED_POST "0\r\nX: x\ry\r\n\r\n"), "400" },
    { "NUL", "9110 5.5", BYTES(CHUNKED_POST "0\r\nX: x\0\r\n\r\n"), "400" },
};

/* Request lines that are cut in more than one way. */
static const struct vector lines[] = {
    { "bare LFs end lines of a head", "9112 2.2",
      BYTES("POST /echo HTTP/1.1\nHost: localhost\nContent-Length: 5\n\nhello"), "200 204" },
    { "empty lines before a request", "9112 2.2", BYTES("\r\n\r\n" POST LENGTH "\r\nhello"),
      "200 204" },
    { "a bare CR behind the version", "9112 2.2",
      BYTES("GET /echo HTTP/1.1\rHost: localhost\r\n\r\n"), "400" },
    { "a bare CR before the request", "9112 2.2", BYTES("\rGET /echo HTTP/1.1\r\n" HOST "\r\n"),
      "400" },
    { "a space before the method", "9112 3", BYTES(" GET /echo HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "tabs between the parts", "9112 3", BYTES("GET\t/echo\tHTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "VT between the parts", "9112 3", BYTES("GET /echo\vHTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "a space in the target", "9112 3.2", BYTES("GET /echo x HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "a request in the target", "9112 3.2",
      BYTES("GET /echo HTTP/1.1 GET /smuggled HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "NUL in the target", "9112 3.2", BYTES("GET /ec\0ho HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "HTTP/0.9", "9112 3", BYTES("GET /echo\r\n"), "400" },
    { "HTTP/0.9 by name", "9112 2.3", BYTES("GET /echo HTTP/0.9\r\n" HOST "\r\n"), "400" },
    { "HTTP/2.0", "9110 15.6.6", BYTES("GET /echo HTTP/2.0\r\n" HOST "\r\n"), "505" },
    { "the preface of HTTP/2", "9113 3.4", BYTES("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "400" },
    { "a major version with a zero", "9112 2.3", BYTES("GET /echo HTTP/01.1\r\n" HOST "\r\n"),
      "400" },
    { "a minor version of three digits", "9112 2.3", BYTES("GET /echo HTTP/1.1000\r\n" HOST "\r\n"),
      "400" },
    { "no minor version", "9112 2.3", BYTES("GET /echo HTTP/1.\r\n" HOST "\r\n"), "400" },
    { "the version in lower case", "9112 2.3", BYTES("GET /echo http/1.1\r\n" HOST "\r\n"), "400" },
    { "another protocol", "9112 2.3", BYTES("GET /echo ICAP/1.0\r\n" HOST "\r\n"), "400" },
    { "a method in lower case", "9110 9.1", BYTES("get /echo HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "a method with a colon", "9110 9.1", BYTES("GET: /echo HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "a field before the request line", "9112 3", BYTES("X: x\r\n" GET "\r\n"), "400" },
    { "a body that is longer than said", "9112 6.3",
      BYTES(POST LENGTH "\r\nhelloGET /smuggled HTTP/1.1\r\n\r\n"), "200 400" },
    { "garbage behind a request", "9112 9.3.2", BYTES(GET "\r\n\x16\x03\x01garbage\r\n\r\n"),
      "200 400" },
    { "a broken head behind a request", "9112 9.3.2", BYTES(GET "\r\n" GET "X : x\r\n\r\n"),
      "200 400" },
    { "a request behind one that closes", "9112 9.6",
      BYTES(GET "Connection: close\r\n\r\n" SMUGGLED), "200" },
    { "a request behind one of HTTP/1.0", "9112 9.3", BYTES("GET /echo HTTP/1.0\r\n\r\n" SMUGGLED),
      "200" },
    { "close among others", "9112 9.6", BYTES(GET "Connection: x, Close\r\n\r\n" SMUGGLED), "200" },
    { "close in a second field", "9112 9.6",
      BYTES(GET "Connection: keep-alive\r\nConnection: close\r\n\r\n" SMUGGLED), "200" },
};

static const struct vector hosts[] = {
    { "none", "9112 3.2", BYTES("GET /echo HTTP/1.1\r\n\r\n"), "400" },
    { "none in HTTP/1.0", "9112 3.2", BYTES("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
      "200 204" },
    { "two", "9112 3.2", BYTES(GET "Host: other\r\n\r\n"), "400" },
    { "two, the same", "9112 3.2", BYTES(GET HOST "\r\n"), "400" },
    { "two in HTTP/1.0", "9112 3.2", BYTES("GET /echo HTTP/1.0\r\n" HOST HOST "\r\n"), "400" },
    { "two with an absolute target", "9112 3.2",
      BYTES("GET http://localhost/echo HTTP/1.1\r\n" HOST HOST "\r\n"), "400" },
    { "empty", "9112 3.2", BYTES("GET /echo HTTP/1.1\r\nHost:\r\n\r\n"), "400" },
    { "a list", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a, b\r\n\r\n"), "400" },
    { "a path", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n"), "400" },
    { "a scheme", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: http://a\r\n\r\n"), "400" },
    { "a user", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a@b\r\n\r\n"), "400" },
    { "a query", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a?b\r\n\r\n"), "400" },
    { "a space", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n"), "400" },
    { "a backslash", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a\\b\r\n\r\n"), "400" },
    { "two dots", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a..b\r\n\r\n"), "400" },
    { "a dot", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: .\r\n\r\n"), "400" },
    { "an open bracket", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: [::1\r\n\r\n"), "400" },
    { "a port that is none", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a:b\r\n\r\n"), "400" },
    { "two ports", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a:80:81\r\n\r\n"), "400" },
    { "VT", "9110 7.2", BYTES("GET /echo HTTP/1.1\r\nHost: a\vb\r\n\r\n"), "400" },
    { "behind a space", "9112 5.1", BYTES("GET /echo HTTP/1.1\r\nHost : a\r\n\r\n"), "400" },
    { "folded", "9112 5.2", BYTES("GET /echo HTTP/1.1\r\n Host: a\r\n" HOST "\r\n"), "400" },
    { "an absolute target", "9112 3.2.2", BYTES("GET http://other/echo HTTP/1.1\r\n" HOST "\r\n"),
      "200 204" },
    { "an absolute target and no host", "9112 3.2",
      BYTES("GET http://localhost/echo HTTP/1.1\r\n\r\n"), "400" },
    { "an absolute target with a bad host", "9112 3.2",
      BYTES("GET http://localhost/echo HTTP/1.1\r\nHost: a/b\r\n\r\n"), "400" },
    { "an absolute target with a user", "9110 4.2.4",
      BYTES("GET http://a@localhost/echo HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "an absolute target without a host", "9110 4.2.1",
      BYTES("GET http:///echo HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "a target without a slash", "9112 3.2", BYTES("GET echo HTTP/1.1\r\n" HOST "\r\n"), "400" },
    { "a target that begins with @", "9112 3.2", BYTES("GET @other/echo HTTP/1.1\r\n" HOST "\r\n"),
      "400" },
    { "an asterisk", "9112 3.2.4", BYTES("GET * HTTP/1.1\r\n" HOST "\r\n"), "400" },
};

static const struct vector expectations[] = {
    { "100-continue", "9110 10.1.1", BYTES(POST LENGTH "Expect: 100-continue\r\n\r\nhello"),
      "200 204" },
    { "in capitals", "9110 10.1.1", BYTES(POST LENGTH "Expect: 100-CONTINUE\r\n\r\nhello"),
      "200 204" },
    { "twice", "9110 10.1.1",
      BYTES(POST LENGTH "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\nhello"), "400" },
    { "chunked", "9110 10.1.1", BYTES(POST CHUNKED "Expect: 100-continue\r\n\r\n" CHUNKS),
      "200 204" },
    { "without a body", "9110 10.1.1", BYTES(GET "Expect: 100-continue\r\n\r\n"), "200 204" },
    { "a GET with a body", "9110 10.1.1", BYTES(GET "Expect: 100-continue\r\n" LENGTH "\r\nhello"),
      "200 204" },
    { "obfuscated", "9110 10.1.1", BYTES(POST LENGTH "Expect: y 100-continue\r\n\r\nhello"),
      "200 204" },
    { "unknown", "9110 10.1.1", BYTES(POST LENGTH "Expect: 200-ok\r\n\r\nhello"), "200 204" },
    { "empty", "9110 10.1.1", BYTES(POST LENGTH "Expect:\r\n\r\nhello"), "200 204" },
    { "folded", "9112 5.2", BYTES(POST LENGTH "Expect:\r\n 100-continue\r\n\r\nhello"), "400" },
    { "in HTTP/1.0", "9110 10.1.1",
      BYTES("POST /echo HTTP/1.0\r\n" HOST "Connection: keep-alive\r\nExpect: "
            "100-continue\r\n" LENGTH "\r\nhello"),
      "200 204" },
    { "a body that is refused", "9110 10.1.1",
      BYTES(POST "Expect: 100-continue\r\nContent-Length: 4294967301\r\n\r\n" SMUGGLED), "413" },
    { "with an upgrade to h2c", "9113 3.1",
      BYTES(GET "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: "
                "AAMAAABkAAQAAP__\r\n\r\n"),
      "200 204" },
    { "with an upgrade to a WebSocket", "9110 7.8",
      BYTES(GET "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"), "200 204" },
};

/* The statuses of all final answers in `text`, separated by spaces. */
static const char *statuses(struct server *server, const char *text)
{
    char *list = server_own(server, calloc(1, strlen(text) + 1));
    size_t len = 0;

    for (const char *at = text; (at = strstr(at, "HTTP/1.1 ")) != NULL; at += 9)
        if (at[9] != '1')
            len += (size_t)sprintf(list + len, "%s%.3s", len > 0 ? " " : "", at + 9);
    return list;
}

/* Sends the bytes and a GET of /next. Whether the answers are those expected. */
static bool answers_as_expected(struct server *server, unsigned port, const struct vector *vector,
                                const char *group)
{
    struct client *client = client_open_port(server, port);

    client_send_bytes(client, vector->bytes, vector->len);
    client_send(client, NEXT);
    const char *answers = statuses(server, client_read_all(client));
    client_close(client);
    if (strcmp(answers, vector->answers) == 0)
        return true;
    fprintf(stderr, "%s%s: %s (RFC %s): \"%s\", not \"%s\"\n", port == 1 ? "" : "proxied ", group,
            vector->name, vector->section, answers, vector->answers);
    return false;
}

/* What muxd itself answers, and what it forwards. The upstream's log has a line for
 * each request that has come there. */
static const char *const SERVERS =
    "log_format seen '$request_method $request_uri $host';\n"
    "client_body_read on;\n"
    "server { listen 127.0.0.1:@port@; access_log off;\n"
    "         location = /echo { return 200 \"$host:$request_body\"; }\n"
    "         location = /next { return 204; }\n"
    "         location = /smuggled { return 410; } }\n"
    "upstream behind { server 127.0.0.1:@port3@; keepalive 4; }\n"
    "server { listen 127.0.0.1:@port2@; server_name localhost; access_log off;\n"
    "         location / { proxy_pass http://behind; proxy_http_version 1.1;\n"
    "                      proxy_set_header Connection ''; proxy_set_header Host $host; } }\n"
    "server { listen 127.0.0.1:@port3@; access_log logs/seen.log seen;\n"
    "         location = /echo { return 200 \"$host:$request_body\"; }\n"
    "         location = /next { return 204; }\n"
    "         location = /smuggled { return 410; }\n"
    "         location = /end { return 200; } }\n";

/* Answers that came from the upstream: muxd has not refused those requests itself. */
static unsigned forwarded(const struct vector *vector)
{
    return count_of(vector->answers, "20") + count_of(vector->answers, "404");
}

static void check(const struct vector *vectors, size_t count, const char *group)
{
    struct server *server = server_start(SERVERS);
    unsigned requests = 0, wrong = 0;

    for (size_t i = 0; i < count; i++) {
        for (unsigned port = 1; port <= 2; port++)
            wrong += answers_as_expected(server, port, &vectors[i], group) ? 0 : 1;
        requests += forwarded(&vectors[i]);
    }
    ck_assert_msg(wrong == 0, "%s: %u answered otherwise", group, wrong);
    struct client *client = client_open_port(server, 2);
    client_send(client, "GET /end HTTP/1.1\r\n" HOST "\r\n");
    ck_assert_int_eq(client_read(client)->status, 200);
    client_close(client);
    const char *seen = server_wait_file(server, "logs/seen.log", "GET /end");
    ck_assert_msg(strstr(seen, "smuggled") == NULL, "%s: smuggled\n%s", group, seen);
    EVENTUALLY(count_of(server_read(server, "logs/seen.log"), "\n") >= requests + 1);
    ck_assert_uint_eq(count_of(server_read(server, "logs/seen.log"), "\n"), requests + 1);
    server_stop(server);
}

#define CHECK(vectors) check(vectors, sizeof(vectors) / sizeof(*(vectors)), #vectors)

START_TEST(both_lengths_are_refused)
{
    CHECK(both_lengths);
}
END_TEST

START_TEST(only_a_plain_chunked_is_taken)
{
    CHECK(encodings);
}
END_TEST

START_TEST(only_a_plain_length_is_taken)
{
    CHECK(lengths);
}
END_TEST

START_TEST(chunks_end_where_they_say)
{
    CHECK(chunks);
}
END_TEST

START_TEST(trailers_frame_nothing)
{
    CHECK(trailers);
}
END_TEST

START_TEST(requests_begin_where_they_begin)
{
    CHECK(lines);
}
END_TEST

START_TEST(one_host_is_meant)
{
    CHECK(hosts);
}
END_TEST

START_TEST(expectations_frame_nothing)
{
    CHECK(expectations);
}
END_TEST

/* RFC 9112 3.2.2: what the target says outweighs Host, here and upstream. */
START_TEST(an_absolute_target_says_the_host)
{
    struct server *server = server_start(SERVERS);

    for (unsigned port = 1; port <= 2; port++) {
        struct client *client = client_open_port(server, port);
        client_send(client, "GET http://other/echo HTTP/1.1\r\n" HOST "\r\n");
        ck_assert_str_eq(client_read(client)->body, "other:");
        client_close(client);
    }
    server_stop(server);
}
END_TEST

int main(void)
{
    return serve_main("desync", (const TTest *[]){
                                    both_lengths_are_refused,
                                    only_a_plain_chunked_is_taken,
                                    only_a_plain_length_is_taken,
                                    chunks_end_where_they_say,
                                    trailers_frame_nothing,
                                    requests_begin_where_they_begin,
                                    one_host_is_meant,
                                    expectations_frame_nothing,
                                    an_absolute_target_says_the_host,
                                    NULL,
                                });
}
