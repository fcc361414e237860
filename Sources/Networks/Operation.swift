// SPDX-License-Identifier: Apache-2.0

/// What a node computes. Parameters are static: an importer resolves shapes, axes and pads that a file passes as tensors.
///
/// Semantics are those of the ONNX operator of the same name (opset 21) unless stated. Types: float32 unless a case says otherwise;
/// quantised forms are marked by the ``Value/quantization`` of their inputs and outputs.
package enum Operation: Hashable, Sendable, Encodable {
    /// Inputs `x [n, c, spatial…]`, `w [o, c/groups, kernel…]`, `bias [o]?`, `residual [n, o, spatial…]?`:
    /// `activation(conv(x, w) + bias + residual)`.
    case convolution(Convolution)
    /// Inputs `a`, `b`, `c?`: `activation(alpha · a' · b' + beta · c)`, c broadcast to `[m, n]`.
    case gemm(Gemm)
    /// numpy's matmul.
    case matMul
    /// Inputs `x`, `scale`, `bias`, `mean`, `variance`, each `[c]`.
    case batchNormalization(epsilon: Float)
    /// One input. The identity is ``Activation/none``.
    case activation(Activation)
    /// Inputs `x`, `slope` (broadcast to x): `x < 0 ? slope · x : x`.
    case prelu
    /// Inputs `x`, `low?`, `high?` (scalars), any type: `min(max(x, low), high)`.
    case clip
    /// Inputs `a`, `b`, broadcast against each other, any type; integers wrap, integer division truncates.
    /// A float32 or quantised result then goes through `activation`.
    case binary(Binary, activation: Activation)
    /// Input `x [n, c, spatial…]`; output 0 the pooled, output 1 (maximum only, optional) int64 indices.
    case pool(Pooling)
    /// Mean over `axes`, kept as size 1 if `keepsDimensions`. Global average pooling is the mean over the spatial axes, kept.
    case mean(axes: [Int], keepsDimensions: Bool)
    /// Any number of inputs of one type.
    case concatenation(axis: Int)
    /// As many outputs as `sizes`.
    case split(axis: Int, sizes: [Int])
    case slice([SliceRange])
    /// One input; `after` and `before` are one an axis and may be negative (cropping) except in reflect mode.
    case pad(Padding)
    /// Inputs `data`, `indices`.
    case gather(axis: Int)
    case transpose(permutation: [Int])
    /// Takes the shape of its output value: also flatten, squeeze and unsqueeze.
    case reshape
    case softmax(axis: Int)
    case localResponseNormalization(size: Int, alpha: Float, beta: Float, bias: Float)
    /// Inputs `x`, `scale`, `zeroPoint?` as ONNX passes them, or `x` alone with the parameters in the output's ``Value/quantization``.
    case quantize(axis: Int, blockSize: Int)
    /// Inputs `x`, `scale`, `zeroPoint?` as ONNX passes them, or `x` alone with the parameters in the input's ``Value/quantization``.
    case dequantize(axis: Int, blockSize: Int)
}

/// What is applied to a result before it is stored, in real numbers.
package enum Activation: Hashable, Sendable, Encodable {
    case none
    case relu
    case clip(low: Float, high: Float)
    case leakyRelu(slope: Float)
    /// `1 / (1 + exp(−x))`
    case sigmoid
    /// `clip(alpha · x + beta, 0, 1)`
    case hardSigmoid(alpha: Float, beta: Float)
    /// `x · clip(x / 6 + 1/2, 0, 1)`
    case hardSwish
    /// `x · sigmoid(x)`
    case silu
}

package enum Binary: String, Hashable, Sendable, Encodable { case add, subtract, multiply, divide }

/// The geometry of a window that slides over spatial axes: one element an axis, outermost first.
package struct Window: Hashable, Sendable, Encodable {
    package var size: [Int]
    package var strides: [Int]
    package var dilations: [Int]
    package var padsBefore: [Int]
    package var padsAfter: [Int]

    package init(size: [Int], strides: [Int]? = nil, dilations: [Int]? = nil, padsBefore: [Int]? = nil, padsAfter: [Int]? = nil) {
        self.size = size
        self.strides = strides ?? size.map { _ in 1 }
        self.dilations = dilations ?? size.map { _ in 1 }
        self.padsBefore = padsBefore ?? size.map { _ in 0 }
        self.padsAfter = padsAfter ?? size.map { _ in 0 }
    }

    /// The number of input positions that the window spans along an axis.
    package func extent(axis: Int) -> Int { (size[axis] - 1) * dilations[axis] + 1 }
}

package struct Convolution: Hashable, Sendable, Encodable {
    package var window: Window
    package var groups: Int
    package var activation: Activation

    package init(window: Window, groups: Int = 1, activation: Activation = .none) {
        self.window = window
        self.groups = groups
        self.activation = activation
    }
}

package struct Pooling: Hashable, Sendable, Encodable {
    package enum Kind: String, Hashable, Sendable, Encodable { case maximum, average }
    package var kind: Kind
    package var window: Window
    /// The last window may start inside the image and reach beyond the pad.
    package var ceilMode: Bool
    /// Average only: pads count in the divisor, but not what a last window of `ceilMode` reaches beyond them.
    package var countsPadding: Bool
    /// Maximum only: indices count the last spatial axis slowest.
    package var hasColumnMajorIndices: Bool

    package init(
        kind: Kind, window: Window, ceilMode: Bool = false, countsPadding: Bool = false, hasColumnMajorIndices: Bool = false
    ) {
        self.kind = kind
        self.window = window
        self.ceilMode = ceilMode
        self.countsPadding = countsPadding
        self.hasColumnMajorIndices = hasColumnMajorIndices
    }
}

package struct Gemm: Hashable, Sendable, Encodable {
    package var alpha: Float
    package var beta: Float
    package var transposesA: Bool
    package var transposesB: Bool
    package var activation: Activation

    package init(
        alpha: Float = 1, beta: Float = 1, transposesA: Bool = false, transposesB: Bool = false, activation: Activation = .none
    ) {
        self.alpha = alpha
        self.beta = beta
        self.transposesA = transposesA
        self.transposesB = transposesB
        self.activation = activation
    }
}

/// Elements `start, start + step, …`, `count` of them, along one axis: already resolved against the size of the axis.
package struct SliceRange: Hashable, Sendable, Encodable {
    package var axis: Int
    package var start: Int
    package var step: Int
    package var count: Int

    package init(axis: Int, start: Int, step: Int, count: Int) {
        self.axis = axis
        self.start = start
        self.step = step
        self.count = count
    }
}

package struct Padding: Hashable, Sendable, Encodable {
    package enum Mode: String, Hashable, Sendable, Encodable { case constant, reflect, edge, wrap }
    package var mode: Mode
    package var before: [Int]
    package var after: [Int]
    /// For ``Mode/constant``, converted to the element type.
    package var value: Double

    package init(mode: Mode, before: [Int], after: [Int], value: Double = 0) {
        self.mode = mode
        self.before = before
        self.after = after
        self.value = value
    }
}
