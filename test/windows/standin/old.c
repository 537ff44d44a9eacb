/* A wintun.dll of before 0.14: its functions were others. */
#include <windows.h>

__declspec(dllexport) void *WINAPI WintunCreateAdapter(const WCHAR *pool, const WCHAR *name, const GUID *guid, BOOL *reboot) {
  return (void)pool, (void)name, (void)guid, (void)reboot, NULL;
}
__declspec(dllexport) void WINAPI WintunFreeAdapter(void *adapter) { (void)adapter; }
