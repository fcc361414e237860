// SPDX-License-Identifier: Apache-2.0

/// What is known about a code before it is coded, from those before it: in its channel left, above and beside these, and at its place in the
/// channels before. Expectations are in 16ths of a code.
struct Neighbourhood {
    /// Left and above.
    let west: Int32
    let north: Int32
    /// The weighted mean of six neighbours.
    let expected: Int32
    /// left + above − above left, within the codes: right on a slope.
    let slope: Int32
    /// What the activation before this one held here; without one, the decaying mean of the channels before, at this place.
    let usual: Int32
    /// How far the neighbours lie apart.
    let activity: Int32

    @inline(__always)
    init(west: Int32, north: Int32, northWest: Int32, northEast: Int32, westWest: Int32, northNorth: Int32, usual: Int32, bits: Int) {
        self.west = west
        self.north = north
        expected = 5 &* (west &+ north) &+ 3 &* northEast &+ northWest &+ westWest &+ northNorth
        slope = 16 &* max(0, min(Int32(1) &<< Int32(truncatingIfNeeded: bits) &- 1, west &+ north &- northWest))
        self.usual = usual
        activity = abs(west &- north) &+ abs(north &- northWest) &+ abs(north &- northEast) &+ abs(west &- northWest)
    }
}

/// What writes codes one after another, or reads them.
protocol CodeCoder {
    mutating func beginChannel()

    /// - Parameter code: what is written; of no effect where it is read.
    /// - Returns: the code that was written or read, within the bits of the activation.
    mutating func code(_ code: UInt8, _ near: borrowing Neighbourhood) -> UInt8

    /// Whether it read past the end of what there is: everything since is noise.
    var isExhausted: Bool { get }
}

/// Takes all codes of an activation through a coder, channel by channel, row by row: an encoder writes them, a decoder puts what it
/// reads in their place.
///
/// - Parameter reference: as many numbers as there are codes, in 16ths of a code: what is expected of each; or none.
/// - Returns: `false` when the coder ran out of bytes; the codes are of no use then.
func codeAll<Coder: CodeCoder>(
    _ codes: inout MutableSpan<UInt8>, _ shape: ActivationShape, bits: Int, reference: [Int32] = [], _ coder: inout Coder
) -> Bool {
    precondition(reference.isEmpty || reference.count == shape.count)
    let width = shape.width
    guard shape.count > 0 else { return true }
    var usualOfPlaces = [Int32](repeating: 0, count: shape.plane)
    var usual = usualOfPlaces.mutableSpan
    // The row that is being coded and the two above it, each with one more at its end, which is as the last.
    let length = width + 1
    var threeRows = [UInt8](repeating: 0, count: 3 * length)
    var rows = threeRows.mutableSpan
    var position = 0
    for _ in 0..<shape.channels {
        coder.beginChannel()
        for y in 0..<shape.height {
            guard !coder.isExhausted else { return false }
            let row = y % 3 * length
            let above = (y + 2) % 3 * length
            let twoAbove = y > 1 ? (y + 1) % 3 * length : above
            var north = y > 0 ? Int32(rows[above]) : 0
            var (west, westWest, northWest) = (north, north, north)
            for x in 0..<width {
                let place = y &* width &+ x
                let usualHere = usual[place]
                var northEast = Int32(rows[above &+ x &+ 1])
                var northNorth = Int32(rows[twoAbove &+ x])
                if y == 0 { (north, northWest, northEast, northNorth) = (west, west, west, west) }
                let near = Neighbourhood(
                    west: west, north: north, northWest: northWest, northEast: northEast, westWest: westWest, northNorth: northNorth,
                    usual: reference.isEmpty ? usualHere : reference[position], bits: bits)
                let code = coder.code(codes[position], near)
                codes[position] = code
                rows[row &+ x] = code
                usual[place] = usualHere &+ (Int32(code) &* 16 &- usualHere) &>> 3
                (westWest, west, northWest, north) = (west, Int32(code), north, northEast)
                position &+= 1
            }
            rows[row + width] = rows[row + width - 1]
        }
    }
    return !coder.isExhausted
}

extension FixedWidthInteger {
    /// The number of binary digits; 0 for 0 and below.
    @inline(__always)
    var digits: Int { self <= 0 ? 0 : Self.bitWidth - leadingZeroBitCount }
}
