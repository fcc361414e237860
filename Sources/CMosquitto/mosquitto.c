// SPDX-License-Identifier: Apache-2.0
// Each function of libmosquitto that is used here, under its own name, handed on to the library once that is loaded.
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

// So that neither the library nor anything else ever calls these in place of its own.
#pragma GCC visibility push(hidden)
#include "CMosquitto.h"

#define FUNCTIONS(F) \
    F(mosquitto_connect_bind_async) F(mosquitto_connect_bind_v5) F(mosquitto_connect_v5_callback_set) F(mosquitto_destroy) \
    F(mosquitto_disconnect_v5) F(mosquitto_disconnect_v5_callback_set) F(mosquitto_int_option) F(mosquitto_lib_init) \
    F(mosquitto_log_callback_set) F(mosquitto_loop_misc) F(mosquitto_loop_read) F(mosquitto_loop_write) \
    F(mosquitto_message_v5_callback_set) F(mosquitto_new) F(mosquitto_property_add_binary) F(mosquitto_property_add_int32) \
    F(mosquitto_property_add_string) F(mosquitto_property_free_all) F(mosquitto_property_read_binary) F(mosquitto_property_read_int16) \
    F(mosquitto_property_read_int32) F(mosquitto_publish_v5) F(mosquitto_publish_v5_callback_set) F(mosquitto_socket) \
    F(mosquitto_strerror) F(mosquitto_subscribe_v5) F(mosquitto_subscribe_v5_callback_set) F(mosquitto_threaded_set) \
    F(mosquitto_tls_insecure_set) F(mosquitto_tls_set) F(mosquitto_username_pw_set) F(mosquitto_want_write) F(mosquitto_will_set_v5)

#define MEMBER(name) __typeof__(&name) name;
static struct {
    FUNCTIONS(MEMBER)
} real;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char failure[256];

static void load(void) {
    void *library = dlopen("libmosquitto.so.1", RTLD_NOW | RTLD_LOCAL);
    int is_complete = library != NULL;
#define LOOK_UP(name) is_complete = is_complete && (real.name = (__typeof__(&name))dlsym(library, #name)) != NULL;
    FUNCTIONS(LOOK_UP)
    if (is_complete) return;
    const char *reason = dlerror();
    snprintf(failure, sizeof failure, "%s", reason != NULL ? reason : "libmosquitto.so.1 lacks a function");
}

const char *mosquitto_load(void) {
    pthread_once(&once, load);
    return failure[0] != 0 ? failure : NULL;
}

int mosquitto_connect_bind_async(struct mosquitto *mosq, const char *host, int port, int keepalive, const char *bind_address) {
    return real.mosquitto_connect_bind_async(mosq, host, port, keepalive, bind_address);
}

int mosquitto_connect_bind_v5(
    struct mosquitto *mosq, const char *host, int port, int keepalive, const char *bind_address, const mosquitto_property *properties) {
    return real.mosquitto_connect_bind_v5(mosq, host, port, keepalive, bind_address, properties);
}

void mosquitto_connect_v5_callback_set(
    struct mosquitto *mosq, void (*on_connect)(struct mosquitto *, void *, int, int, const mosquitto_property *props)) {
    real.mosquitto_connect_v5_callback_set(mosq, on_connect);
}

void mosquitto_destroy(struct mosquitto *mosq) { real.mosquitto_destroy(mosq); }

int mosquitto_disconnect_v5(struct mosquitto *mosq, int reason_code, const mosquitto_property *properties) {
    return real.mosquitto_disconnect_v5(mosq, reason_code, properties);
}

void mosquitto_disconnect_v5_callback_set(
    struct mosquitto *mosq, void (*on_disconnect)(struct mosquitto *, void *, int, const mosquitto_property *props)) {
    real.mosquitto_disconnect_v5_callback_set(mosq, on_disconnect);
}

int mosquitto_int_option(struct mosquitto *mosq, enum mosq_opt_t option, int value) {
    return real.mosquitto_int_option(mosq, option, value);
}

int mosquitto_lib_init(void) { return real.mosquitto_lib_init(); }

void mosquitto_log_callback_set(struct mosquitto *mosq, void (*on_log)(struct mosquitto *, void *, int, const char *)) {
    real.mosquitto_log_callback_set(mosq, on_log);
}

int mosquitto_loop_misc(struct mosquitto *mosq) { return real.mosquitto_loop_misc(mosq); }

int mosquitto_loop_read(struct mosquitto *mosq, int max_packets) { return real.mosquitto_loop_read(mosq, max_packets); }

int mosquitto_loop_write(struct mosquitto *mosq, int max_packets) { return real.mosquitto_loop_write(mosq, max_packets); }

void mosquitto_message_v5_callback_set(
    struct mosquitto *mosq,
    void (*on_message)(struct mosquitto *, void *, const struct mosquitto_message *, const mosquitto_property *props)) {
    real.mosquitto_message_v5_callback_set(mosq, on_message);
}

struct mosquitto *mosquitto_new(const char *id, bool clean_session, void *obj) { return real.mosquitto_new(id, clean_session, obj); }

int mosquitto_property_add_binary(mosquitto_property **proplist, int identifier, const void *value, uint16_t len) {
    return real.mosquitto_property_add_binary(proplist, identifier, value, len);
}

int mosquitto_property_add_int32(mosquitto_property **proplist, int identifier, uint32_t value) {
    return real.mosquitto_property_add_int32(proplist, identifier, value);
}

int mosquitto_property_add_string(mosquitto_property **proplist, int identifier, const char *value) {
    return real.mosquitto_property_add_string(proplist, identifier, value);
}

void mosquitto_property_free_all(mosquitto_property **properties) { real.mosquitto_property_free_all(properties); }

const mosquitto_property *mosquitto_property_read_binary(
    const mosquitto_property *proplist, int identifier, void **value, uint16_t *len, bool skip_first) {
    return real.mosquitto_property_read_binary(proplist, identifier, value, len, skip_first);
}

const mosquitto_property *mosquitto_property_read_int16(
    const mosquitto_property *proplist, int identifier, uint16_t *value, bool skip_first) {
    return real.mosquitto_property_read_int16(proplist, identifier, value, skip_first);
}

const mosquitto_property *mosquitto_property_read_int32(
    const mosquitto_property *proplist, int identifier, uint32_t *value, bool skip_first) {
    return real.mosquitto_property_read_int32(proplist, identifier, value, skip_first);
}

int mosquitto_publish_v5(
    struct mosquitto *mosq, int *mid, const char *topic, int payloadlen, const void *payload, int qos, bool retain,
    const mosquitto_property *properties) {
    return real.mosquitto_publish_v5(mosq, mid, topic, payloadlen, payload, qos, retain, properties);
}

void mosquitto_publish_v5_callback_set(
    struct mosquitto *mosq, void (*on_publish)(struct mosquitto *, void *, int, int, const mosquitto_property *props)) {
    real.mosquitto_publish_v5_callback_set(mosq, on_publish);
}

int mosquitto_socket(struct mosquitto *mosq) { return real.mosquitto_socket(mosq); }

const char *mosquitto_strerror(int mosq_errno) { return real.mosquitto_strerror(mosq_errno); }

int mosquitto_subscribe_v5(struct mosquitto *mosq, int *mid, const char *sub, int qos, int options, const mosquitto_property *properties) {
    return real.mosquitto_subscribe_v5(mosq, mid, sub, qos, options, properties);
}

void mosquitto_subscribe_v5_callback_set(
    struct mosquitto *mosq, void (*on_subscribe)(struct mosquitto *, void *, int, int, const int *, const mosquitto_property *props)) {
    real.mosquitto_subscribe_v5_callback_set(mosq, on_subscribe);
}

int mosquitto_threaded_set(struct mosquitto *mosq, bool threaded) { return real.mosquitto_threaded_set(mosq, threaded); }

int mosquitto_tls_insecure_set(struct mosquitto *mosq, bool value) { return real.mosquitto_tls_insecure_set(mosq, value); }

int mosquitto_tls_set(
    struct mosquitto *mosq, const char *cafile, const char *capath, const char *certfile, const char *keyfile,
    int (*pw_callback)(char *buf, int size, int rwflag, void *userdata)) {
    return real.mosquitto_tls_set(mosq, cafile, capath, certfile, keyfile, pw_callback);
}

int mosquitto_username_pw_set(struct mosquitto *mosq, const char *username, const char *password) {
    return real.mosquitto_username_pw_set(mosq, username, password);
}

_Bool mosquitto_want_write(struct mosquitto *mosq) { return real.mosquitto_want_write(mosq); }

int mosquitto_will_set_v5(
    struct mosquitto *mosq, const char *topic, int payloadlen, const void *payload, int qos, bool retain,
    mosquitto_property *properties) {
    return real.mosquitto_will_set_v5(mosq, topic, payloadlen, payload, qos, retain, properties);
}
