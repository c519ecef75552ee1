"""Commands that fill a redis server with values of all types, as it speaks them. Usage: redis_data.py COUNT"""
import sys


def command(*words):
    data = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data)


def commands(count):
    for i in range(count):
        k = i * 7919 % count
        yield command("SET", "s%d" % k, ("v%d" % i) * (i % 90))
        if i % 3 == 0:
            yield command("HSET", "h%d" % (k % 500), "f%d" % i, "x" * (i % 200))
        if i % 4 == 0:
            yield command("RPUSH", "l%d" % (k % 300), ("e%d" % i) * (i % 30))
        if i % 5 == 0:
            yield command("ZADD", "z%d" % (k % 100), i * 31 % 1000, "m%d" % i)
        if i % 7 == 0:
            yield command("SADD", "t%d" % (k % 200), "m%d" % i)
        if i % 11 == 0:
            yield command("DEL", "s%d" % (i // 2))
        if i % 13 == 0:
            yield command("APPEND", "s%d" % (i // 3), "y" * (i % 5000))
        if i % 17 == 0:
            yield command("LPOP", "l%d" % (k % 300))
        if i % 1000 == 0:
            yield command("SETRANGE", "b%d" % i, i * 50, "end")


for data in commands(int(sys.argv[1])):
    sys.stdout.buffer.write(data)
