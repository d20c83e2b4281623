;;; sluice-llm.el --- Send calls of the package llm through Sluice -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:

;; The package llm carries the calls of ellama, ekg, magit-gptcommit and others.  It
;; starts one curl for each call, by way of the package plz.  While `sluice-llm-mode' is
;; on, that curl is told to use the daemon's socket, and its URL is turned to plain http;
;; nothing of that outlives the moment in which it is started.  Providers, their keys and
;; all options stay as they are.  The daemon talks https to the provider.
;;
;; What they do was read in plz 0.3 to 0.9.1 and in llm as it was in 2023 and 2024.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-words)
(require 'sluice-explain)

(defvar plz-curl-default-args)
(defvar sluice-llm-mode)

(defcustom sluice-llm-direct-hosts
  '("\\`localhost\\'" "\\.localhost\\'" "\\`127\\.[0-9.]+\\'" "\\`\\[?::1\\]?\\'"
    "\\`0\\.0\\.0\\.0\\'")
  "Hosts to which llm talks directly, as regular expressions without a port.
These are servers on this machine, which have no limits to keep."
  :type '(repeat regexp)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defvar sluice-llm--wanted nil
  "The buffer of a call of llm whose curl has not been started yet, else nil.")

(defvar sluice-llm--args nil
  "What we have added to `plz-curl-default-args', while a call of ours is started.")

(defun sluice-llm--host (url)
  "Return the host of URL without a port, or nil if it is none of http or https."
  (when (string-match "\\`https?://\\(?:[^/@]*@\\)?\\(\\[[^]]*\\]\\|[^:/?#]+\\)" url)
    (match-string 1 url)))

(defun sluice-llm--direct-p (url)
  "Return non-nil if URL is that of a server that is left alone."
  (let ((host (sluice-llm--host url)))
    (or (null host)
        (cl-some (lambda (regexp) (string-match-p regexp host))
                 (sluice-settings-regexps 'sluice-llm-direct-hosts)))))

(defun sluice-llm--curl-args (socket id)
  "Return the arguments that make curl use SOCKET for the call ID."
  (append
   (list "--unix-socket" socket
         "--noproxy" "*"
         "-H" "X-Sluice-Client: emacs-llm"
         "-H" "X-Sluice-Priority: interactive"
         "-H" (concat "X-Sluice-Request: " id))
   (sluice-language-header)))

(defun sluice-llm--around-request (start &rest args)
  "Call START, a function of llm for requests, with ARGS.
Its curl, and no other, goes through Sluice."
  (let ((sluice-llm--wanted (current-buffer)))
    (apply start args)))

(defun sluice-llm--around-plz (start method url &rest args)
  "Call START, that is `plz', for METHOD, URL and ARGS.
A call of llm is sent through Sluice.  While plz waits for an answer, other
packages may call it too: their calls are not, and have nothing of what was
added."
  (let ((buffer sluice-llm--wanted)
        (sluice-llm--wanted nil)
        (plz-curl-default-args (cl-ldiff plz-curl-default-args sluice-llm--args))
        (sluice-llm--args nil))
    (if (or (null buffer) (sluice-llm--direct-p url))
        (apply start method url args)
      (sluice-llm--start start method url args buffer))))

(defun sluice-llm--start (start method url args buffer)
  "Call START for METHOD, URL and ARGS; have Sluice get the call of BUFFER."
  (let* ((conn (sluice-explain-require buffer))
         (id (format "llm-%08x%08x" (random #x100000000) (random #x100000000)))
         (sluice-llm--args (sluice-llm--curl-args
                            (expand-file-name (sluice-rpc-address conn)) id))
         (plz-curl-default-args (append plz-curl-default-args sluice-llm--args)))
    (sluice-note-call id buffer)
    (condition-case err
        (apply start method (replace-regexp-in-string "\\`https://" "http://" url t t)
               (sluice-llm--noting args id buffer))
      (error (sluice-note-failure id buffer)
             (signal (car err) (cdr err))))))

(defun sluice-llm--noting (args id buffer)
  "Return ARGS of plz, with the failure noted of the call ID of BUFFER."
  (if (functionp (plist-get args :else))
      (let ((else (plist-get args :else)))
        (plist-put (copy-sequence args) :else
                   (lambda (err)
                     (when sluice-llm-mode (sluice-note-failure id buffer))
                     (funcall else err))))
    args))

(defconst sluice-llm--advice
  '((llm-request-plz-sync-raw-output . sluice-llm--around-request)
    (llm-request-plz-async . sluice-llm--around-request)
    (plz . sluice-llm--around-plz))
  "What is advised while the mode is on: (FUNCTION . ADVICE).
All requests of llm go through the first two.")

;;;###autoload
(define-minor-mode sluice-llm-mode
  "Send the calls of the package llm through the Sluice daemon.
So go those of ellama and of all other packages that use llm.  They are paced to
the provider's limits, sent again when that is worth it, and explained when they
fail: see `sluice-explain-last'.  Nothing of llm's configuration changes;
turning the mode off leaves nothing behind.  Servers on this machine are left
alone, see `sluice-llm-direct-hosts'."
  :global t
  :group 'sluice
  (if (not sluice-llm-mode)
      (pcase-dolist (`(,function . ,advice) sluice-llm--advice)
        (advice-remove function advice))
    (unless (and (require 'plz nil t) (require 'llm-request-plz nil t))
      (setq sluice-llm-mode nil)
      (user-error "%s" (sluice-gettext "The package llm is not installed: \
M-x package-install RET llm")))
    (pcase-dolist (`(,function . ,advice) sluice-llm--advice)
      (advice-add function :around advice))))

(defun sluice-llm-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice-llm-mode -1)
  nil)

(provide 'sluice-llm)
;;; sluice-llm.el ends here
