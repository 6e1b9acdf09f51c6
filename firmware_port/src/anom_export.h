/* Export: the counts of a ladder over a period of service, as a device hands them out.
 *
 * All numbers are little-endian; docs/spec.md has its bytes. The function is that of anomsdk.h. */
#ifndef ANOM_EXPORT_H
#define ANOM_EXPORT_H

#include "anomsdk.h"

#define ANOM_EXPORT_VERSION 1

#endif
