// SPDX-License-Identifier: Apache-2.0

extension Importer {
    typealias Reading = @Sendable (inout Importer, inout NodeReader) throws(ImportError) -> Void

    /// Every operator that is read, by its name in ONNX.
    static let operators: [String: Reading] = [
        "Conv": readConv,
        "MaxPool": readMaxPool,
        "AveragePool": readAveragePool,
        "GlobalAveragePool": readGlobalAveragePool,
        "GlobalMaxPool": readGlobalMaxPool,
        "ReduceMean": readReduceMean,
        "Gemm": readGemm,
        "MatMul": readMatMul,
        "BatchNormalization": readBatchNormalization,
        "LRN": readLRN,
        "Softmax": readSoftmax,
        "Relu": readRelu,
        "LeakyRelu": readLeakyRelu,
        "PRelu": readPRelu,
        "Clip": readClip,
        "Sigmoid": readSigmoid,
        "HardSigmoid": readHardSigmoid,
        "HardSwish": readHardSwish,
        "Add": readAdd,
        "Sub": readSub,
        "Mul": readMul,
        "Div": readDiv,
        "Identity": readIdentity,
        "Dropout": readDropout,
        "Concat": readConcat,
        "Split": readSplit,
        "Slice": readSlice,
        "Pad": readPad,
        "Gather": readGather,
        "Transpose": readTranspose,
        "Reshape": readReshape,
        "Flatten": readFlatten,
        "Squeeze": readSqueeze,
        "Unsqueeze": readUnsqueeze,
        "Shape": readShape,
        "Constant": readConstant,
        "ConstantOfShape": readConstantOfShape,
        "Cast": readCast,
        "QuantizeLinear": readQuantizeLinear,
        "DequantizeLinear": readDequantizeLinear,
    ]

    /// An axis as ONNX counts it, negative ones from the end.
    func axis(_ axis: Int, rank: Int) throws(ImportError) -> Int {
        guard axis >= -rank, axis < rank else { throw ImportError(.invalid, "axis \(axis) of a tensor of \(rank) axes") }
        return axis < 0 ? axis + rank : axis
    }

    /// Distinct axes.
    func axes(_ list: [Int], rank: Int) throws(ImportError) -> [Int] {
        var result: [Int] = []
        for item in list { result.append(try axis(item, rank: rank)) }
        guard Set(result).count == result.count else { throw ImportError(.invalid, "axes \(list) repeat") }
        return result
    }

    /// Integers that later versions pass as input `index` and earlier ones as an attribute; `nil` where they are left out.
    func integers(
        _ meaning: String, input index: Int, of node: inout NodeReader, since version: Int
    ) throws(ImportError) -> [Int]? {
        guard node.version >= version else { return try node.integers(meaning) }
        return try input(index, of: node).map { id throws(ImportError) in try knownIntegers(id, meaning) }
    }
}
