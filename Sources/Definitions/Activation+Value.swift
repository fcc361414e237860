// SPDX-License-Identifier: Apache-2.0
package import Networks
#if canImport(Glibc)
internal import Glibc
#endif

extension Activation {
    /// The activation of one real number.
    package func callAsFunction(_ x: Double) -> Double {
        switch self {
        case .none: x
        case .relu: x < 0 ? 0 : x
        case .clip(let low, let high): min(max(x, Double(low)), Double(high))
        case .leakyRelu(let slope): x < 0 ? Double(slope) * x : x
        case .sigmoid: 1 / (1 + exp(-x))
        case .hardSigmoid(let alpha, let beta): min(max(Double(alpha) * x + Double(beta), 0), 1)
        case .hardSwish: x * min(max(x / 6 + 0.5, 0), 1)
        case .silu: x / (1 + exp(-x))
        }
    }
}
