// SPDX-License-Identifier: Apache-2.0
import Testing

/// Tests of the executables as processes: one at a time, so that they don't take the processor from each other's deadlines.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ProcessTests {}
