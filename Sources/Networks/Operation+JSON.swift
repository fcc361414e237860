// SPDX-License-Identifier: Apache-2.0
package import JSON

// What `Encodable` writes: see ``JSONValue/enumerationCase()``.

extension Operation {
    package init(_ json: JSONValue) throws(JSONError) {
        let (name, values) = try json.enumerationCase()
        switch name {
        case "convolution": self = try .convolution(Convolution(values.member("_0")))
        case "gemm": self = try .gemm(Gemm(values.member("_0")))
        case "matMul": self = .matMul
        case "batchNormalization": self = try .batchNormalization(epsilon: values.member("epsilon").float())
        case "activation": self = try .activation(Activation(values.member("_0")))
        case "prelu": self = .prelu
        case "clip": self = .clip
        case "binary": self = try .binary(values.member("_0").choice(), activation: Activation(values.member("activation")))
        case "pool": self = try .pool(Pooling(values.member("_0")))
        case "mean":
            self = try .mean(axes: values.member("axes").integers(), keepsDimensions: values.member("keepsDimensions").boolean())
        case "concatenation": self = try .concatenation(axis: values.member("axis").integer())
        case "split": self = try .split(axis: values.member("axis").integer(), sizes: values.member("sizes").integers())
        case "slice":
            self = .slice(try values.member("_0").elements().map { range throws(JSONError) in try SliceRange(range) })
        case "pad": self = try .pad(Padding(values.member("_0")))
        case "gather": self = try .gather(axis: values.member("axis").integer())
        case "transpose": self = try .transpose(permutation: values.member("permutation").integers())
        case "reshape": self = .reshape
        case "softmax": self = try .softmax(axis: values.member("axis").integer())
        case "localResponseNormalization":
            self = try .localResponseNormalization(
                size: values.member("size").integer(), alpha: values.member("alpha").float(), beta: values.member("beta").float(),
                bias: values.member("bias").float())
        case "quantize":
            self = try .quantize(axis: values.member("axis").integer(), blockSize: values.member("blockSize").integer())
        case "dequantize":
            self = try .dequantize(axis: values.member("axis").integer(), blockSize: values.member("blockSize").integer())
        default: throw json.wrong("an operation, not '\(name)'")
        }
    }
}

extension Activation {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        let (name, values) = try json.enumerationCase()
        switch name {
        case "none": self = .none
        case "relu": self = .relu
        case "clip": self = try .clip(low: values.member("low").float(), high: values.member("high").float())
        case "leakyRelu": self = try .leakyRelu(slope: values.member("slope").float())
        case "sigmoid": self = .sigmoid
        case "hardSigmoid": self = try .hardSigmoid(alpha: values.member("alpha").float(), beta: values.member("beta").float())
        case "hardSwish": self = .hardSwish
        case "silu": self = .silu
        default: throw json.wrong("an activation, not '\(name)'")
        }
    }
}

extension Window {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        size = try json.member("size").integers()
        strides = try json.member("strides").integers()
        dilations = try json.member("dilations").integers()
        padsBefore = try json.member("padsBefore").integers()
        padsAfter = try json.member("padsAfter").integers()
    }
}

extension Convolution {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        window = try Window(json.member("window"))
        groups = try json.member("groups").integer()
        activation = try Activation(json.member("activation"))
    }
}

extension Pooling {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        kind = try json.member("kind").choice()
        window = try Window(json.member("window"))
        ceilMode = try json.member("ceilMode").boolean()
        countsPadding = try json.member("countsPadding").boolean()
        hasColumnMajorIndices = try json.member("hasColumnMajorIndices").boolean()
    }
}

extension Gemm {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        alpha = try json.member("alpha").float()
        beta = try json.member("beta").float()
        transposesA = try json.member("transposesA").boolean()
        transposesB = try json.member("transposesB").boolean()
        activation = try Activation(json.member("activation"))
    }
}

extension SliceRange {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        axis = try json.member("axis").integer()
        start = try json.member("start").integer()
        step = try json.member("step").integer()
        count = try json.member("count").integer()
    }
}

extension Padding {
    fileprivate init(_ json: JSONValue) throws(JSONError) {
        mode = try json.member("mode").choice()
        before = try json.member("before").integers()
        after = try json.member("after").integers()
        value = try json.member("value").double()
    }
}
