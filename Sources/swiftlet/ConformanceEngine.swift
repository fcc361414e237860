// SPDX-License-Identifier: Apache-2.0
internal import Definitions
internal import Networks
internal import Tensors

/// What `swiftlet conform` puts to the test.
func conformanceOutputs(of graph: Graph, inputs: [Tensor]) throws -> [Tensor] { try evaluate(graph, inputs: inputs) }
