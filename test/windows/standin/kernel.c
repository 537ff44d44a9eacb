/*
 * The host is the Linux kernel: packets go to a TUN device of its own, by system calls made from within
 * Wine, which runs programs on the very same kernel. Windows' own stack is nowhere in it.
 */
#include "standin.h"
#include <string.h>

#define SYS_read 0
#define SYS_write 1
#define SYS_open 2
#define SYS_close 3
#define SYS_poll 7
#define SYS_ioctl 16
#define SYS_socket 41
#define LINUX_O_RDWR 2
#define LINUX_O_NONBLOCK 04000
#define LINUX_AF_INET 2
#define LINUX_AF_INET6 10
#define LINUX_SOCK_DGRAM 2
#define TUNSETIFF 0x400454caul
#define SIOCSIFFLAGS 0x8914
#define SIOCSIFADDR 0x8916
#define SIOCDIFADDR 0x8936
#define SIOCSIFNETMASK 0x891c
#define SIOCSIFMTU 0x8922
#define SIOCGIFINDEX 0x8933
#define IFF_TUN_NO_PI 0x1001
#define IFF_UP_RUNNING 0x41
#define POLL_MS 50

static long long linux_call(long long number, long long a, long long b, long long c) {
  long long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

struct request {
  char name[16];
  union {
    short flags;
    int number;
    struct {
      short family, port;
      BYTE address[4];
    } in;
    BYTE bytes[24];
  } u;
};

static struct request request_for(struct adapter *adapter) {
  struct request request = {0};
  for (int i = 0; i < 15 && adapter->name[i]; i++) request.name[i] = (char)adapter->name[i];
  return request;
}

static DWORD ask(int family, unsigned long what, void *request) {
  long long fd = linux_call(SYS_socket, family, LINUX_SOCK_DGRAM, 0);
  if (fd < 0) return ERROR_GEN_FAILURE;
  long long result = linux_call(SYS_ioctl, fd, what, (long long)request);
  linux_call(SYS_close, fd, 0, 0);
  return result < 0 ? ERROR_INVALID_PARAMETER : NO_ERROR;
}

/* Carries what the kernel sends to the ring, until the adapter ends. */
static DWORD WINAPI carry(void *parameter) {
  struct adapter *adapter = parameter;
  static BYTE packet[65536];
  while (!adapter->ended) {
    struct {
      int fd;
      short events, returned;
    } poll = {adapter->fd, 1, 0};
    linux_call(SYS_poll, (long long)&poll, 1, POLL_MS);
    if (!adapter->session) continue;
    long long size;
    while ((size = linux_call(SYS_read, adapter->fd, (long long)packet, sizeof packet)) > 0)
      host_send(adapter, packet, (ULONG)size);
  }
  return 0;
}

DWORD host_open(struct adapter *adapter) {
  struct request request = request_for(adapter);
  request.u.flags = IFF_TUN_NO_PI;
  long long fd = linux_call(SYS_open, (long long)"/dev/net/tun", LINUX_O_RDWR | LINUX_O_NONBLOCK, 0);
  if (fd < 0) return ERROR_ACCESS_DENIED;
  adapter->fd = (int)fd;
  if (linux_call(SYS_ioctl, fd, TUNSETIFF, (long long)&request) < 0) {
    linux_call(SYS_close, fd, 0, 0);
    return ERROR_ACCESS_DENIED;
  }
  request = request_for(adapter);
  request.u.flags = IFF_UP_RUNNING;
  DWORD error = ask(LINUX_AF_INET, SIOCSIFFLAGS, &request);
  if (error) return error;
  adapter->thread = CreateThread(NULL, 0, carry, adapter, 0, NULL);
  return NO_ERROR;
}

void host_close(struct adapter *adapter) {
  WaitForSingleObject(adapter->thread, INFINITE);
  CloseHandle(adapter->thread);
  linux_call(SYS_close, adapter->fd, 0, 0);
}

/* What the program gave is the kernel's at once. */
void host_given(struct adapter *adapter) {
  BYTE packet[65536];
  ULONG size;
  while ((size = host_receive(adapter, packet, sizeof packet)) > 0)
    linux_call(SYS_write, adapter->fd, (long long)packet, size);
}

DWORD host_set_mtu(struct adapter *adapter, ULONG mtu) {
  struct request request = request_for(adapter);
  request.u.number = (int)mtu;
  return ask(LINUX_AF_INET, SIOCSIFMTU, &request);
}

static DWORD set_ipv4(struct adapter *adapter, const MIB_UNICASTIPADDRESS_ROW *row, BOOL add) {
  struct request request = request_for(adapter);
  request.u.in.family = LINUX_AF_INET;
  if (add) memcpy(request.u.in.address, &row->Address.Ipv4.sin_addr, 4);
  DWORD error = ask(LINUX_AF_INET, SIOCSIFADDR, &request);
  if (error || !add) return error;
  ULONG mask = row->OnLinkPrefixLength == 0 ? 0 : 0xffffffffu << (32 - row->OnLinkPrefixLength);
  for (int i = 0; i < 4; i++) request.u.in.address[i] = (BYTE)(mask >> (24 - 8 * i));
  return ask(LINUX_AF_INET, SIOCSIFNETMASK, &request);
}

static DWORD set_ipv6(struct adapter *adapter, const MIB_UNICASTIPADDRESS_ROW *row, BOOL add) {
  struct request request = request_for(adapter);
  struct {
    BYTE address[16];
    ULONG prefix;
    int index;
  } change;
  DWORD error = ask(LINUX_AF_INET, SIOCGIFINDEX, &request);
  if (error) return error;
  memcpy(change.address, &row->Address.Ipv6.sin6_addr, 16);
  change.prefix = row->OnLinkPrefixLength;
  change.index = request.u.number;
  return ask(LINUX_AF_INET6, add ? SIOCSIFADDR : SIOCDIFADDR, &change);
}

DWORD host_set_address(struct adapter *adapter, const MIB_UNICASTIPADDRESS_ROW *row, BOOL add) {
  return row->Address.si_family == AF_INET ? set_ipv4(adapter, row, add) : set_ipv6(adapter, row, add);
}

DWORD host_set_route(struct adapter *adapter, const MIB_IPFORWARD_ROW2 *row, BOOL add) {
  return (void)adapter, (void)row, (void)add, ERROR_NOT_SUPPORTED;
}

/* ---- the kernel's own ICMPv6 socket, which Wine 8 does not offer ---- */

#define SYS_connect 42
#define LINUX_SOCK_RAW_NONBLOCK (3 | 04000)
#define LINUX_IPPROTO_ICMPV6 58
#define ECHO_REQUEST6 128
#define ECHO_REPLY6 129
#define ECHO_HEADER 8

/* A socket that is connected to the address; below 0 when it cannot be had. */
__declspec(dllexport) int TestEcho6Open(const BYTE *address) {
  BYTE where[28] = {LINUX_AF_INET6};
  memcpy(where + 8, address, 16);
  int fd = (int)linux_call(SYS_socket, LINUX_AF_INET6, LINUX_SOCK_RAW_NONBLOCK, LINUX_IPPROTO_ICMPV6);
  if (fd >= 0 && linux_call(SYS_connect, fd, (long long)where, sizeof where) < 0) return -1;
  return fd;
}

/* The kernel fills in the checksum. */
__declspec(dllexport) int TestEcho6Send(int fd, ULONG sequence, const BYTE *data, ULONG size) {
  static BYTE message[65536];
  memset(message, 0, ECHO_HEADER);
  message[0] = ECHO_REQUEST6;
  message[6] = (BYTE)(sequence >> 8);
  message[7] = (BYTE)sequence;
  memcpy(message + ECHO_HEADER, data, size);
  return (int)linux_call(SYS_write, fd, (long long)message, ECHO_HEADER + size);
}

/* The next message that is a reply, from its sequence number on; its bytes, 0 when there is none. */
__declspec(dllexport) int TestEcho6Receive(int fd, BYTE *reply) {
  static BYTE message[65536];
  long long size;
  while ((size = linux_call(SYS_read, fd, (long long)message, sizeof message)) >= ECHO_HEADER) {
    if (message[0] != ECHO_REPLY6) continue;
    memcpy(reply, message + 6, size - 6);
    return (int)size - 6;
  }
  return 0;
}

__declspec(dllexport) void TestEcho6Close(int fd) { linux_call(SYS_close, fd, 0, 0); }
