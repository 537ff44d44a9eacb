/* The host in memory: tests put packets in front of the program and take what it gave. */
#include "standin.h"

DWORD host_open(struct adapter *adapter) { return (void)adapter, NO_ERROR; }
void host_close(struct adapter *adapter) { (void)adapter; }
void host_given(struct adapter *adapter) { (void)adapter; }
DWORD host_set_address(struct adapter *adapter, const MIB_UNICASTIPADDRESS_ROW *row, BOOL add) {
  return (void)adapter, (void)row, (void)add, NO_ERROR;
}
DWORD host_set_mtu(struct adapter *adapter, ULONG mtu) { return (void)adapter, (void)mtu, NO_ERROR; }
DWORD host_set_route(struct adapter *adapter, const MIB_IPFORWARD_ROW2 *row, BOOL add) {
  return (void)adapter, (void)row, (void)add, NO_ERROR;
}

static struct adapter *of_index(ULONG index) {
  for (int i = 0; i < 8; i++)
    if (adapters[i].used && adapters[i].index == index) return &adapters[i];
  return NULL;
}

/* All by interface index. */
__declspec(dllexport) BOOL TestHostSend(ULONG index, const BYTE *packet, ULONG size) {
  return host_send(of_index(index), packet, size);
}
__declspec(dllexport) ULONG TestHostReceive(ULONG index, BYTE *packet, ULONG capacity) {
  return host_receive(of_index(index), packet, capacity);
}
__declspec(dllexport) void TestSetMtu(ULONG index, ULONG mtu) {
  of_index(index)->mtu4 = of_index(index)->mtu6 = mtu;
}
/* The adapter goes away, as when its device is disabled. */
__declspec(dllexport) void TestRemove(ULONG index) {
  struct adapter *adapter = of_index(index);
  EnterCriticalSection(&lock);
  adapter->ended = TRUE;
  if (adapter->session) SetEvent(adapter->read_event);
  LeaveCriticalSection(&lock);
}
