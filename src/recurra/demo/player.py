"""A button that plays notes in the browser, without anything from outside."""

PLAYER = """<script>
document.querySelectorAll("button[data-notes]").forEach(button => {
  let audio = null;
  button.onclick = () => {
    if (audio) { audio.close(); audio = null; button.textContent = "▶ play"; return; }
    audio = new AudioContext();
    button.textContent = "■ stop";
    const now = audio.currentTime + 0.1;
    for (const [start, length, pitch] of JSON.parse(button.dataset.notes)) {
      const tone = audio.createOscillator(), volume = audio.createGain();
      tone.type = "triangle";
      tone.frequency.value = 440 * 2 ** ((pitch - 69) / 12);
      const from = now + start * 0.6, to = from + length * 0.6;
      volume.gain.setValueAtTime(0, from);
      volume.gain.linearRampToValueAtTime(0.12, from + 0.02);
      volume.gain.setValueAtTime(0.1, Math.max(from + 0.02, to - 0.05));
      volume.gain.linearRampToValueAtTime(0, to);
      tone.connect(volume).connect(audio.destination);
      tone.start(from); tone.stop(to + 0.02);
    }
  };
});
</script>"""
