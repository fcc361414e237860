// SPDX-License-Identifier: Apache-2.0
// A plugin of qemu's user-mode emulation (interface version 1, qemu 4.2 to 8.2): prints how many guest instructions were executed, all threads together.
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// What the plugin uses of qemu-plugin.h, which Debian's packages don't have.
struct qemu_plugin_tb;
enum { qemu_plugin_inline_add_u64 = 0 };
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t id, void (*callback)(uint64_t id, struct qemu_plugin_tb *block));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *block, int operation, void *counter, uint64_t addend);
void qemu_plugin_register_atexit_cb(uint64_t id, void (*callback)(uint64_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

static uint64_t instructions;

/// Called once for each block that is translated: whenever it's executed from now on, its length is added.
static void count_block(uint64_t id, struct qemu_plugin_tb *block) {
    (void)id;
    qemu_plugin_register_vcpu_tb_exec_inline(block, qemu_plugin_inline_add_u64, &instructions, qemu_plugin_tb_n_insns(block));
}

static void report(uint64_t id, void *data) {
    (void)id;
    (void)data;
    fprintf(stderr, "\ninstructions %" PRIu64 "\n", instructions);
}

__attribute__((visibility("default"))) int qemu_plugin_install(uint64_t id, const void *info, int count, char **arguments) {
    (void)info;
    (void)count;
    (void)arguments;
    qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
    qemu_plugin_register_atexit_cb(id, report, NULL);
    return 0;
}
