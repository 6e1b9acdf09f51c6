/* Downlink: the three bytes that put an alarm level in force on a device.
 *
 * docs/spec.md has its bytes. The function is that of anomsdk.h. */
#ifndef ANOM_DOWNLINK_H
#define ANOM_DOWNLINK_H

#include "anomsdk.h"

#endif
