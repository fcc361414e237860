// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <mosquitto.h>
#include <mqtt_protocol.h>

/// Loads libmosquitto, which brings libssl and libcrypto with it: a process that talks to no broker pays for none of them, and one that does
/// loads them beside its first frames. Before it has returned NULL, none of the library's functions may be called. Any thread may call it.
///
/// Returns why the library can't be used, else NULL.
const char *mosquitto_load(void);
