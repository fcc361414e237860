// SPDX-License-Identifier: Apache-2.0
import Digests
import Testing

struct SHA256Tests {
    /// FIPS 180-4 example values.
    @Test func digestsOfTheStandardsExamples() {
        #expect(SHA256Digest(of: "").description == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(SHA256Digest(of: "abc").description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            SHA256Digest(of: "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").description
                == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        #expect(
            SHA256Digest(of: String(repeating: "a", count: 1_000_000)).description
                == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    /// The digest of the digests of 0 … 199 bytes 0, 1, 2 …, as Python's hashlib gives it: every way in which a message can end in a block.
    @Test func messagesOfEveryLengthHaveTheirDigest() {
        let digests = (0..<200).map { count in SHA256Digest(of: (0..<count).map { UInt8($0 % 251) }).description }
        #expect(SHA256Digest(of: digests.joined()).description == "7a38a844c9e159de39f0862ee2e28569a8250831150a3fbf0a59c001129b2fb2")
    }
}
