;;; sluice-keys.el --- Tell the daemon a key when it asks -*- lexical-binding: t; -*-

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

;; A call for which the daemon finds no key asks for it here, since this Emacs has made
;; it.  The key comes from auth-source, by the convention of gptel, so it may be in
;; ~/.authinfo.gpg, in a keychain or in pass.  The daemon holds it in memory only.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'auth-source)
(require 'sluice-rpc)
(require 'sluice-words)

(autoload 'sluice-key-from-auth-source "sluice-chat")
(declare-function sluice-connection "sluice")
(declare-function sluice-ask "sluice")
(declare-function sluice-sandbox-connected-p "sluice")

(defconst sluice-keys-questions ["key/needed"]
  "What the daemon is told, with its greeting, that this Emacs answers.")

(defconst sluice-keys--none-code -32012
  "Code of the answer that there is no key.")

(defconst sluice-keys-sandbox "sandbox"
  "What the sandbox is given as a key, since it needs none.")

(cl-defmethod sluice-rpc-answer ((_method (eql 'key/needed)) params)
  "Return the key for the host in PARAMS, or say where it was looked for."
  (let ((host (plist-get params :host)))
    (list :key (or (and (sluice-sandbox-connected-p) sluice-keys-sandbox)
                   (sluice-keys--find host)
                   (sluice-keys--refuse (sluice-keys-missing-text host))))))

(defun sluice-keys--forget-lack (host)
  "Have auth-source look anew for the key of HOST the next time, and return nil.
It remembers for two hours that there was none."
  (auth-source-forget+ :host host)
  (auth-source-forget+ :host (car (split-string host ":")))
  nil)

(defun sluice-keys--refuse (text)
  "Answer the daemon that there is no key, for the reason TEXT."
  (signal 'sluice-rpc-error (list text sluice-keys--none-code)))

(defun sluice-keys--find (host)
  "Return the key for HOST, or nil.  A person may be asked to unlock it."
  ;; The daemon's question comes in a filter, where quitting is put off.
  (let ((inhibit-quit nil))
    (condition-case err
        (or (sluice-key-from-auth-source host)
            (sluice-keys--forget-lack host))
      (quit (sluice-keys--refuse
             (sluice-gettext "Nothing was sent: you did not unlock the key for %s" host)))
      (error (sluice-keys--refuse
              (sluice-gettext "Nothing was sent: the keys could not be read: %s"
                              (error-message-string err)))))))

(defun sluice-keys-missing-text (host)
  "Return what is said when there is no key for HOST: where to put it."
  (sluice-gettext "Nothing was sent: %s has no entry for machine %s login apikey.  \
Add the line: machine %s login apikey password KEY"
                  (sluice-keys-place) host host))

(defun sluice-keys-place ()
  "Return in words the place for keys: the file of auth-source that is there.
Without one it is the first that auth-source would look at."
  (let ((files (delq nil (mapcar (lambda (source)
                                   (let ((file (if (consp source) (plist-get source :source)
                                                 source)))
                                     (and (stringp file) (expand-file-name file))))
                                 (and (proper-list-p auth-sources) auth-sources)))))
    (if files
        (abbreviate-file-name (or (cl-find-if #'file-exists-p files) (car files)))
      "auth-source")))

;;;###autoload
(defun sluice-forget-keys ()
  "Have the daemon and this Emacs forget the keys that they hold in memory."
  (interactive)
  (require 'sluice)
  (auth-source-forget-all-cached)
  (if (not (sluice-connection))
      (message "%s" (sluice-gettext "Sluice is not running, so it holds no key"))
    (let ((count (plist-get (sluice-ask "forget_keys") :forgotten)))
      (message "%s" (pcase count
                      (0 (sluice-gettext "The daemon held no key"))
                      (1 (sluice-gettext "The daemon has forgotten the key that it held"))
                      (n (sluice-gettext "The daemon has forgotten the %d keys that it held" n)))))))

(provide 'sluice-keys)
;;; sluice-keys.el ends here
