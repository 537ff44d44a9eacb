"""Takes the TUN's descriptor of a device, answers pings by it, and says what passed when it is asked to."""
import json, os, select, socket, struct, sys

host = socket.socket(socket.AF_UNIX)
host.connect(sys.argv[1])
hello = b'{"role": "descriptor", "client": "descriptor-client.py"}'
host.sendall(struct.pack("<IIII", len(hello), 1, int.from_bytes(b"TTUN", "little"), 1) + hello)
answer, fds, _, _ = socket.recv_fds(host, 65536, 1)
said = json.loads(answer[16:])
if answer[4] != 2:
    print("refused", said["code"], said["message"], flush=True)
    sys.exit(1)
tun = fds[0]
headers = 10 if said["descriptor"]["headers"] else 0
print("lent", flush=True)

def reply(p):
    icmp = (p[0] & 15) * 4
    if p[0] >> 4 != 4 or p[9] != 1 or p[icmp] != 8:
        return None
    total = int.from_bytes(p[icmp + 2 : icmp + 4], "big") + 0x0800
    checksum = (total & 0xFFFF) + (total >> 16)
    return p[:12] + p[16:20] + p[12:16] + p[20:icmp] + b"\0\0" + checksum.to_bytes(2, "big") + p[icmp + 4 :]

count = {"read": 0, "written": 0, "refused": 0, "error": ""}
last = None
poll = select.poll()
for fd in (tun, host.fileno(), 0):
    poll.register(fd, select.POLLIN)
while True:
    for fd, _ in poll.poll():
        if fd == tun:
            try:
                packet = os.read(tun, 65536)[headers:]
            except OSError:
                poll.unregister(tun)
                continue
            count["read"] += 1
            last = reply(packet) or last
            if reply(packet):
                os.write(tun, bytes(headers) + reply(packet))
                count["written"] += 1
        elif fd == 0:
            word = sys.stdin.readline().strip()
            if word == "write":                      # by itself, whether anybody asked or not
                try:
                    os.write(tun, bytes(headers) + last)
                    count["written"] += 1
                except OSError as error:
                    count["refused"] += 1
                    count["error"] = error.strerror
            if word == "":
                sys.exit(0)
            print(json.dumps(count), flush=True)
        else:
            frame = host.recv(65536)
            print("goodbye", frame[16:].decode(), flush=True)
            poll.unregister(fd)
