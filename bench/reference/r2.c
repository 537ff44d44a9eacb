/* R2, the reference with offload: as R1, but super-packets are passed on with their virtio-net header.
   usage: r2 NETNS-A NAME-A NETNS-B NAME-B */

#include "tun.h"

static int open_offload(const char *netns, const char *name) {
  int fd = open_tun(netns, name, IFF_VNET_HDR);
  unsigned long tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
  if (ioctl(fd, TUNSETOFFLOAD, tso | TUN_F_USO4 | TUN_F_USO6) < 0 &&
      ioctl(fd, TUNSETOFFLOAD, tso) < 0)
    die("TUNSETOFFLOAD");
  return fd;
}

int main(int argc, char **argv) {
  static char buffer[10 + 65536];
  if (argc != 5) return 2;
  forward(open_offload(argv[1], argv[2]), open_offload(argv[3], argv[4]), buffer, sizeof buffer);
}
