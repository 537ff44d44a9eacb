/* R1, the plain reference: poll, read, write, one packet at a time, one thread.
   usage: r1 NETNS-A NAME-A NETNS-B NAME-B */

#include "tun.h"

int main(int argc, char **argv) {
  static char buffer[65536];
  if (argc != 5) return 2;
  forward(open_tun(argv[1], argv[2], 0), open_tun(argv[3], argv[4], 0), buffer, sizeof buffer);
}
