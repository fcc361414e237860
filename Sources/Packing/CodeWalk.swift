// SPDX-License-Identifier: Apache-2.0

/// What is known about a code before it is coded, from those before it: in its channel left, above and beside these, and at its place in the
/// channels before. Expectations are in 16ths of a code.
struct Neighbourhood {
    /// The weighted mean of six neighbours.
    let expected: Int32
    /// left + above − above left, within the codes: right on a slope.
    let slope: Int32
    /// What the activation before this one held here; without one, the decaying mean of the channels before, at this place.
    let usual: Int32
    /// How far the neighbours lie apart.
    let activity: Int32
    /// left and above, each in 8 classes: `left · 8 + above`.
    let pair: Int
    /// Which of left and above aren't 0: 0 … 3.
    let present: Int

    @inline(__always)
    init(
        west: Int32, north: Int32, northWest: Int32, northEast: Int32, westWest: Int32, northNorth: Int32, usual: Int32, bits: Int
    ) {
        expected = 5 * (west + north) + 3 * northEast + northWest + westWest + northNorth
        slope = 16 * max(0, min(Int32(1) << Int32(bits) - 1, west + north - northWest))
        self.usual = usual
        activity = abs(west - north) + abs(north - northWest) + abs(north - northEast) + abs(west - northWest)
        pair = Self.size(west, bits: bits) * 8 + Self.size(north, bits: bits)
        present = (west > 0 ? 1 : 0) + (north > 0 ? 2 : 0)
    }

    /// Up to 5 bits: 0, 1, 2, 3, 4 … 5, 6 … 9, 10 … 19 and above; beyond, the number of binary digits.
    @inline(__always)
    private static func size(_ code: Int32, bits: Int) -> Int {
        guard bits <= 5 else { return min(7, code.digits) }
        return code < 4 ? Int(code) : code < 6 ? 4 : code < 10 ? 5 : code < 20 ? 6 : 7
    }
}

/// One binary decision about a code: "is it 0?", then whether it lies in the upper half of what is left, from the highest bit down.
struct Decision {
    static let levels = 9
    static let kinds = 40

    /// 0: whether it is 0; else the position of its bit from above, from 1.
    let level: Int
    /// The same, and of the first five bits also what those above are.
    let kind: Int
    /// Where what is left is divided, in 16ths of a code.
    let middle: Int32
    /// The binary logarithm of half of what is left, in 16ths of a code.
    let half: Int32
}

extension FixedWidthInteger {
    /// The number of binary digits; 0 for 0 and below.
    @inline(__always)
    var digits: Int { self <= 0 ? 0 : Self.bitWidth - leadingZeroBitCount }
}

/// What gives each decision its probability, and learns from its outcome.
protocol DecisionModel {
    mutating func beginChannel()
    mutating func code<Coder: BinaryCoder>(_ bit: UInt32, _ decision: Decision, _ near: borrowing Neighbourhood, _ coder: inout Coder) -> UInt32
}

/// Takes all codes of an activation through a coder, channel by channel, row by row: an encoder writes them, a decoder puts what it
/// reads in their place.
///
/// - Parameters:
///   - zeroFirst: whether the first decision about a code is if it is 0.
///   - reference: as many numbers as there are codes, in 16ths of a code: what is expected of each; or none.
/// - Returns: `false` when the coder ran out of bytes; the codes are of no use then.
func codeAll<Coder: BinaryCoder, Model: DecisionModel>(
    _ codes: inout MutableSpan<UInt8>, _ shape: ActivationShape, bits: Int, zeroFirst: Bool, reference: [Int32] = [], _ model: inout Model,
    _ coder: inout Coder
) -> Bool {
    precondition(reference.isEmpty || reference.count == shape.count)
    let (width, plane) = (shape.width, shape.plane)
    guard shape.count > 0 else { return true }
    var usualOfPlaces = [Int32](repeating: 0, count: plane)
    var usual = usualOfPlaces.mutableSpan
    var position = 0
    for _ in 0..<shape.channels {
        model.beginChannel()
        for y in 0..<shape.height {
            guard !coder.isExhausted else { return false }
            for x in 0..<width {
                let place = y * width + x
                let west = x > 0 ? Int32(codes[position - 1]) : y > 0 ? Int32(codes[position - width]) : 0
                let north = y > 0 ? Int32(codes[position - width]) : west
                let near = Neighbourhood(
                    west: west, north: north,
                    northWest: x > 0 && y > 0 ? Int32(codes[position - width - 1]) : north,
                    northEast: x + 1 < width && y > 0 ? Int32(codes[position - width + 1]) : north,
                    westWest: x > 1 ? Int32(codes[position - 2]) : west,
                    northNorth: y > 1 ? Int32(codes[position - 2 * width]) : north,
                    usual: reference.isEmpty ? usual[place] : reference[position], bits: bits)
                let code = codeOne(UInt32(codes[position]), bits: bits, zeroFirst: zeroFirst, near, &model, &coder)
                codes[position] = UInt8(truncatingIfNeeded: code)
                usual[place] += (Int32(code) * 16 - usual[place]) >> 3
                position += 1
            }
        }
    }
    return !coder.isExhausted
}

/// - Returns: the code, below `2^bits`.
@inline(__always)
private func codeOne<Coder: BinaryCoder, Model: DecisionModel>(
    _ code: UInt32, bits: Int, zeroFirst: Bool, _ near: borrowing Neighbourhood, _ model: inout Model, _ coder: inout Coder
) -> UInt32 {
    if zeroFirst {
        let decision = Decision(level: 0, kind: 0, middle: 8, half: 3)
        if model.code(code == 0 ? 0 : 1, decision, near, &coder) == 0 { return 0 }
    }
    var (prefix, lower): (Int, UInt32) = (1, 0)
    for depth in 0..<bits {
        let shift = UInt32(bits - 1 - depth)
        // Not 0, and all bits above are: the last is 1.
        if zeroFirst, shift == 0, lower == 0 { return 1 }
        let decision = Decision(
            level: depth + 1, kind: depth < 5 ? prefix : 32 + depth, middle: Int32(lower + 1 << shift) * 16 - 8, half: Int32(shift) + 4)
        let bit = model.code(code >> shift & 1, decision, near, &coder)
        lower += bit << shift
        prefix = prefix * 2 + Int(bit)
    }
    return lower
}
