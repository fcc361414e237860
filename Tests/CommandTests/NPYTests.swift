// SPDX-License-Identifier: Apache-2.0
import Tensors
import TestSupport
import Testing
import swiftlet

private func file(_ header: String, _ data: [UInt8], version: UInt8 = 1) -> [UInt8] {
    let length = header.utf8.count
    var bytes: [UInt8] = [0x93] + Array("NUMPY".utf8)
    bytes += [version, 0]
    for byte in 0..<(version == 1 ? 2 : 4) { bytes.append(UInt8(length >> (8 * byte) & 0xFF)) }
    return bytes + Array(header.utf8) + data
}

struct NPYTests {
    @Test func everyTypeAndRankSurvivesTheRoundTrip() throws {
        for tensor in [
            Tensor(shape: [], [1.5 as Float]), Tensor(shape: [3], [1, -2, .infinity] as [Float]), Tensor(shape: [1, 2, 1, 2], [1, 2, 3, 4] as [Float]),
            Tensor(shape: [0, 4], [] as [Float]), Tensor(shape: [2], [-1, 255] as [Int64]), Tensor(shape: [2], [7, 255] as [UInt8]),
            Tensor(shape: [1], [0.1] as [Double]),
        ] {
            let bytes = NPY.bytes(tensor)
            let read = try NPY.tensor(bytes)
            #expect(read.type == tensor.type && read.shape == tensor.shape && read.floats == tensor.floats)
            #expect((bytes.count - tensor.count * tensor.type.size) % 64 == 0)
        }
    }

    @Test func bothOrdersAndVersionsAreRead() throws {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n"
        #expect(try NPY.tensor(file(header, [1, 4, 2, 5, 3, 6])).elements(of: UInt8.self) == [1, 2, 3, 4, 5, 6])
        let other = "{'shape':(2,3),'fortran_order':False,'descr':'|u1'}"
        #expect(try NPY.tensor(file(other, [1, 2, 3, 4, 5, 6], version: 2)).shape == [2, 3])
    }

    @Test(arguments: [
        "", "{", "{}", "{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", "{'descr': '|O', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (99999999999999999999,), }", "{'descr': '|u1', 'fortran_order': False, 'shape': (-4,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296, 0), }", "{'descr': '|u1', 'fortran_order': False, 'shape': (5,), }",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,4), }", "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (4,), }",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (4,), }", "{'descr': '|u1', 'fortran_order': False, 'shape': (4,), } x", "{'descr': '|u1",
        "{'descr': '|u1', 'shape': (4,), }",
    ])
    func aHostileHeaderIsAnError(_ header: String) {
        #expect(throws: NPYError.self) { try NPY.tensor(file(header, [1, 2, 3, 4])) }
    }

    @Test func everyTruncationIsAnError() {
        let bytes = NPY.bytes(Tensor(shape: [2, 2], [1, 2, 3, 4] as [Float]))
        for count in bytes.indices { #expect(throws: NPYError.self) { try NPY.tensor(Array(bytes[..<count])) } }
        #expect(throws: NPYError.self) { try NPY.tensor(bytes + [0]) }
    }
}
