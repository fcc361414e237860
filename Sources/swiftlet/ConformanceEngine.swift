// SPDX-License-Identifier: Apache-2.0
internal import Inference
internal import Networks
internal import Tensors

/// What `swiftlet conform` puts to the test.
func conformanceOutputs(of graph: Graph, inputs: [Tensor]) throws -> [Tensor] { try Executor(graph).run(inputs) }
