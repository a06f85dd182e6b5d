"""The command that makes PyTorch's environment, against an index on this machine that holds two small packages."""

import base64
import hashlib
import http.server
import json
import threading
import zipfile
from functools import partial

import pytest
from duet import install_torch
from duet.inference.client import environment

pytestmark = pytest.mark.slow

PACKAGES = {"torch": install_torch.TORCH.partition("==")[2], "numpy": "1.26.4"}


def make_wheel(folder, name, version):
    """A package with one module and some weight."""
    info = f"{name}-{version}.dist-info"
    members = {
        f"{name}.py": f"padding = '{'x' * 300_000}'\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    rows = []
    for path, text in members.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    members[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""])
    file = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in members.items():
            archive.writestr(path, text)
    return file


class Index(http.server.SimpleHTTPRequestHandler):
    """Files with ranges, as package indexes have them; it notes what it was asked for."""

    asked = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.translate_path(self.path)
        begin = self.headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        if self.path.endswith(".whl"):
            self.asked.append((self.path, begin))
        if not begin:
            return super().do_GET()
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()[int(begin) :]
        self.send_response(206)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
        return None


@pytest.fixture
def index(tmp_path, monkeypatch):
    folder = tmp_path / "index"
    for name, version in PACKAGES.items():
        (folder / name).mkdir(parents=True)
        file = make_wheel(folder / name, name, version)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        (folder / name / "index.html").write_text(f'<a href="{file.name}#sha256={digest}">{file.name}</a>')
    Index.asked = []
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "data"))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Index, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


def test_it_downloads_goes_on_installs_tests_and_is_found(index, monkeypatch, capsys):
    """Without `--yes` it shows the size and asks; a part that is there is not downloaded again."""
    tested = []
    monkeypatch.setattr(install_torch, "generate", lambda *given: tested.append(given) or "30 frames by torch on cpu")
    monkeypatch.setattr("builtins.input", lambda text: "n")
    assert install_torch.main(["--kind", "cpu", "--index", index]) == 1
    shown = capsys.readouterr().out
    assert f"0.3 MB  torch {PACKAGES['torch']}" in shown
    assert "To download: 0.00 GB" in shown
    assert environment.torch_python() is None
    wheel = f"/torch/torch-{PACKAGES['torch']}-py3-none-any.whl"
    downloads = environment.torch_folder().with_name("downloads")
    downloads.mkdir(parents=True)
    url = f"{index.rstrip('/')}{wheel}"
    with install_torch.urllib.request.urlopen(url) as answer:
        whole = answer.read()
    part = downloads / wheel.rpartition("/")[2].replace(".whl", ".part")
    part.write_bytes(whole[:100_000])
    Index.asked.clear()
    assert install_torch.main(["--kind", "cpu", "--index", index, "--yes"]) == 0
    assert (wheel, "100000") in Index.asked
    python = environment.torch_python()
    assert python == str(environment.interpreter_in(environment.torch_folder()))
    assert tested == [(environment.interpreter_in(environment.torch_folder()), install_torch.find_duet(None), "cpu")]
    ready = json.loads((environment.torch_folder() / environment.READY).read_text())
    assert ready["kind"] == "cpu"
    assert not downloads.exists()
    monkeypatch.delenv("DUET_PYTHON", raising=False)
    monkeypatch.setattr(environment.importlib.util, "find_spec", lambda name: None)  # as in Blender's own Python
    assert environment.worker_python() == python


def test_a_package_that_arrives_damaged_is_not_kept(index, tmp_path):
    (name, version), *_ = PACKAGES.items()
    url = f"{index}{name}/{name}-{version}-py3-none-any.whl"
    wheel = install_torch.Wheel("torch", url, "0" * 64, 300_000)
    with pytest.raises(install_torch.InstallError, match="damaged"):
        install_torch.download(wheel, tmp_path / "downloads")
    assert not list((tmp_path / "downloads").iterdir())


def test_what_is_missing_is_said_in_one_line(index, tmp_path, capsys):
    assert install_torch.main(["--duet", str(tmp_path), "--yes"]) == 1
    assert "Duet was not found" in capsys.readouterr().err
    assert install_torch.main(["--kind", "cpu", "--index", "http://127.0.0.1:9/", "--yes"]) == 1
    assert "The packages cannot be found" in capsys.readouterr().err


def test_it_generates_with_the_engine_that_it_installs():
    """Here with the PyTorch of this environment."""
    said = install_torch.generate(
        install_torch.Path(install_torch.sys.executable), install_torch.find_duet(None), "cpu"
    )
    assert said == "30 frames by torch on cpu"
