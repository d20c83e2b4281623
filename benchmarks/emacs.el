;;; emacs.el --- What benchmarks/emacs.py measures inside Emacs -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; The setup comes by environment variables; each figure is printed as one line of JSON.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'gptel)
(require 'gptel-openai)
(require 'sluice)
(require 'sluice-gptel)
(require 'sluice-chat)

(setq sluice-start-daemon nil
      native-comp-enable-subr-trampolines nil)

(defconst bench-key "CANARY-benchmark-9c2e8b7a6053" "No provider's key.")

(defconst bench-direct
  (gptel-make-openai "Direct" :protocol "http" :host (getenv "BENCH_PROVIDER") :key bench-key
                     :endpoint "/openai/v1/chat/completions" :stream t :models '(gpt-4o-mini))
  "The provider itself, over plain http.")

(defconst bench-routed
  (gptel-make-openai "Routed" :host "api.groq.com" :key bench-key
                     :endpoint "/openai/v1/chat/completions" :stream t :models '(gpt-4o-mini))
  "The same provider, for the daemon.")

(defun bench-print (&rest figures)
  "Print FIGURES, a plist, as a line of JSON."
  (princ (concat (json-serialize figures) "\n")))

(defun bench-wait (done)
  "Handle events until DONE returns non-nil; it is an error if that takes a minute."
  (let ((limit (+ (float-time) 60)))
    (while (not (funcall done))
      (when (> (float-time) limit) (error "No answer"))
      (accept-process-output nil 0.05))))

(defun bench-first-character-ms (backend)
  "Return the milliseconds from `gptel-send' to the first inserted character of BACKEND."
  (sluice-gptel-mode (if (eq backend bench-routed) 1 -1))
  (with-temp-buffer
    (let ((gptel-backend backend) (gptel-model 'gpt-4o-mini) (gptel-stream t)
          (inhibit-message t) (first nil) (began nil))
      (insert "Say something.")
      (garbage-collect)
      (add-hook 'after-change-functions
                (lambda (begin end _)
                  (when (and began (not first) (> end begin)
                             (string-match-p "[^ \n]" (buffer-substring begin end)))
                    (setq first (float-time))))
                nil t)
      (setq began (float-time))
      (gptel-send)
      (bench-wait (lambda () (null gptel--request-alist)))
      (unless (string-search "You said" (buffer-string)) (error "No answer: %s" (buffer-string)))
      (* 1000 (- first began)))))

(defun bench-latency (pairs)
  "Print the time to the first character for PAIRS of calls, direct and through Sluice."
  (dotimes (n (+ pairs 3))
    (let* ((order (if (cl-evenp n) '(:direct :routed) '(:routed :direct)))
           (figures (cl-loop for way in order
                             append (list way (bench-first-character-ms
                                               (if (eq way :direct) bench-direct bench-routed))))))
      ;; The first ones load and compile.
      (when (>= n 3) (apply #'bench-print :pair n figures)))))

(defun bench-blocked (model)
  "Stream MODEL's answer through `sluice-send' and print how long Emacs was blocked.
That is the longest time in which it handled no event, from sending to the end."
  (let ((sluice-host "api.groq.com") (sluice-model model) (inhibit-message t)
        (sluice-key (lambda (_) bench-key)) (longest 0) (began (float-time)) (turns 0))
    (with-temp-buffer
      (buffer-enable-undo)
      (insert "Count.")
      (sluice-send)
      (while (< 0 (hash-table-count sluice-chat--live))
        (let ((before (float-time)))
          ;; It comes back after whatever it has handled, or after a millisecond.
          (accept-process-output nil 0.001)
          (setq longest (max longest (- (float-time) before))
                turns (1+ turns))))
      (bench-print :blocked (* 1000 longest) :seconds (- (float-time) began) :turns turns
                   :words (length (split-string (buffer-string)))))))

(defun bench-idle (seconds)
  "Print the longest turn in SECONDS without anything to do: what the machine adds."
  (let ((longest 0) (end (+ (float-time) seconds)))
    (while (< (float-time) end)
      (let ((before (float-time)))
        (accept-process-output nil 0.001)
        (setq longest (max longest (- (float-time) before)))))
    (bench-print :idle (* 1000 longest))))

(bench-print :emacs emacs-version :gptel (file-name-nondirectory
                                          (directory-file-name
                                           (file-name-directory (locate-library "gptel")))))
(bench-latency (string-to-number (getenv "BENCH_PAIRS")))
(dotimes (_ (string-to-number (getenv "BENCH_STREAMS")))
  (bench-idle 2)
  (bench-blocked (concat "long-" (getenv "BENCH_DELTAS"))))
;;; emacs.el ends here
