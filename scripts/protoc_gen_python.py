"""Runs inside buf: a protoc plugin that writes the Python code of the worker's contract.

grpcio-tools ships protoc with the gRPC generator linked in but no plugin of its own, so this one hands buf's request to it.
buf starts it as `python scripts/protoc_gen_python.py` (see buf.gen.yaml), writes a CodeGeneratorRequest to its stdin and reads a
CodeGeneratorResponse from its stdout. Only `synapse_otp/v1` is generated: the health service comes with grpcio-health-checking.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from google.protobuf.compiler.plugin_pb2 import CodeGeneratorRequest, CodeGeneratorResponse
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from grpc_tools import protoc

PREFIX = "synapse_otp/v1/"


def generate(request: CodeGeneratorRequest) -> CodeGeneratorResponse:
    """Runs protoc over the request's descriptors.

    Args:
        request: What buf sent: all descriptors, and the names of the files to generate.

    Returns:
        The generated files in the order of their names, or protoc's failure in `error`.
    """
    response = CodeGeneratorResponse(supported_features=CodeGeneratorResponse.FEATURE_PROTO3_OPTIONAL)
    names = sorted(name for name in request.file_to_generate if name.startswith(PREFIX))
    if not names:
        return response
    with tempfile.TemporaryDirectory() as folder:
        descriptors = Path(folder, "descriptors.bin")
        descriptors.write_bytes(FileDescriptorSet(file=request.proto_file).SerializeToString())
        out = Path(folder, "out")
        out.mkdir()
        code = protoc.main(
            [
                "protoc",
                f"--descriptor_set_in={descriptors}",
                f"--python_out={out}",
                f"--pyi_out={out}",
                f"--grpc_python_out={out}",
                *names,
            ]
        )
        if code != 0:
            response.error = f"protoc ended with exit code {code} for {', '.join(names)}"
            return response
        for path in sorted(out.rglob("*.py*")):
            response.file.add(name=path.relative_to(out).as_posix(), content=path.read_text(encoding="utf-8"))
    return response


if __name__ == "__main__":
    answer = generate(CodeGeneratorRequest.FromString(sys.stdin.buffer.read()))
    sys.stdout.buffer.write(answer.SerializeToString())
